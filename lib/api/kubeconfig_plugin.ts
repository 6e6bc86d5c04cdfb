/**
 * Users whose credentials come from a program (`exec`) or an `auth-provider`, by the Kubernetes
 * client library. It is large, so only kubeconfigs that need it load this file.
 *
 * @module
 */
import { KubeConfig } from "@kubernetes/client-node";
import type { RequestOptions } from "node:https";
import path from "node:path";
import { messageOf } from "../errors.ts";
import { asRecord, type Entry, invalid } from "./kubeconfig_file.ts";
import type { ClusterAccess } from "./transport.ts";

/** A program that asks a person or a network may take a while, but not for ever. */
const PLUGIN_MS_MAX = 60_000;
/** The library wants a cluster; it connects to nothing. */
const NO_CLUSTER = { name: "cluster", server: "https://cluster.invalid", skipTLSVerify: false };

type Credentials = Pick<ClusterAccess, "certPem" | "keyPem" | "token">;

/**
 * Runs the plugin once, so that its errors are told early. A token is asked for again when it
 * expires; a certificate is as it was when the kubeconfig was loaded.
 *
 * Throws {@linkcode KubeletError} `invalid` that names the file, the user and the plugin's words.
 */
export async function pluginCredentials(user: Entry, access: ClusterAccess): Promise<Credentials> {
  const ask = oneAtATime(credentialsOf(user, access));
  const first = await ask();
  return {
    ...(first.cert === undefined ? {} : { certPem: first.cert }),
    ...(first.key === undefined ? {} : { keyPem: first.key }),
    ...(first.token === undefined ? {} : { token: async () => (await ask()).token ?? "" }),
  };
}

interface Answer {
  readonly token: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

function credentialsOf(user: Entry, access: ClusterAccess): () => Promise<Answer> {
  const exec = asRecord(user.settings["exec"]);
  const provider = asRecord(user.settings["auth-provider"]);
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [NO_CLUSTER],
    users: [{
      name: user.name,
      ...(exec === undefined ? {} : { exec: prepareExec(user, { exec, access }) }),
      ...(provider === undefined ? {} : { authProvider: provider }),
    }],
    contexts: [{ name: "context", cluster: NO_CLUSTER.name, user: user.name }],
    currentContext: "context",
  });
  const what = exec === undefined
    ? `auth-provider ${JSON.stringify(provider?.["name"])}`
    : `exec plugin ${JSON.stringify(exec["command"])}`;
  const installHint = typeof exec?.["installHint"] === "string" ? `. ${exec["installHint"]}` : "";
  const fail = (state: string, cause?: unknown): Error =>
    invalid(user.file, `the ${what} of user "${user.name}" ${state}${installHint}`, cause);
  return async (): Promise<Answer> => {
    const request: RequestOptions & { headers: Record<string, string> } = { headers: {} };
    try {
      await within(config.applyToHTTPSOptions(request));
    } catch (error) {
      throw fail(`failed: ${messageOf(error) || "it said nothing"}`, error);
    }
    const token = request.headers["Authorization"]?.replace(/^Bearer /, "");
    const cert = request.cert?.toString();
    const key = request.key?.toString();
    if (token === undefined && (cert === undefined || key === undefined)) {
      throw fail("gave neither a token nor a certificate with its key");
    }
    return { token, cert, key };
  };
}

/** What the exec protocol promises to the program and the library leaves out. */
function prepareExec(
  user: Entry,
  { exec, access }: { exec: Record<string, unknown>; access: ClusterAccess },
): Record<string, unknown> {
  const command = exec["command"];
  if (typeof command !== "string" || command === "") {
    throw invalid(user.file, `the exec plugin of user "${user.name}" has no command`);
  }
  if (exec["interactiveMode"] === "Always") {
    throw invalid(
      user.file,
      `the exec plugin "${command}" of user "${user.name}" wants to talk to a person ` +
        `(interactiveMode: Always), but a node agent has nobody to ask`,
    );
  }
  const cluster = {
    server: access.server,
    "certificate-authority-data": access.caPem === undefined
      ? undefined
      : new TextEncoder().encode(access.caPem).toBase64(),
    "tls-server-name": access.tlsServerName,
    "proxy-url": access.proxyUrl,
  };
  const info = {
    apiVersion: exec["apiVersion"] ?? "client.authentication.k8s.io/v1",
    kind: "ExecCredential",
    spec: { interactive: false, ...(exec["provideClusterInfo"] === true ? { cluster } : {}) },
  };
  return {
    ...exec,
    // A path is relative to the kubeconfig; a bare name is looked up in PATH.
    command: /[/\\]/.test(command) ? path.resolve(path.dirname(user.file), command) : command,
    args: exec["args"] ?? [],
    env: [
      ...(Array.isArray(exec["env"]) ? exec["env"] : []),
      { name: "KUBERNETES_EXEC_INFO", value: JSON.stringify(info) },
    ],
  };
}

/** Callers that ask at the same time share one run of the plugin. */
function oneAtATime(ask: () => Promise<Answer>): () => Promise<Answer> {
  let flight: Promise<Answer> | undefined;
  return () => flight ??= ask().finally(() => flight = undefined);
}

async function within(promise: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`no answer within ${PLUGIN_MS_MAX / 1_000} s`)),
    PLUGIN_MS_MAX,
  );
  try {
    await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
