/**
 * Who we are for which cluster, as people write it down for kubectl.
 *
 * @module
 */
import path from "node:path";
import {
  type Entry,
  flagSetting,
  invalid,
  type Kubeconfig,
  mergeKubeconfigs,
  parseKubeconfig,
  textSetting,
} from "./kubeconfig_file.ts";
import { KubeletError, messageOf } from "../errors.ts";
import type { ClusterAccess } from "./transport.ts";
import { rereadToken } from "./token_file.ts";

/** A cluster, who we are for it, and the names under which the kubeconfig has them. */
export interface LoadedKubeconfig extends ClusterAccess {
  /** Name of the context that was chosen. */
  readonly context: string;
  /** Name of the context's cluster. */
  readonly cluster: string;
  /** Name of the context's user; empty if it has none. */
  readonly user: string;
  /** The files that were read. */
  readonly files: readonly string[];
  /** True if a program gives the credentials, so that reading again would start it again. */
  readonly plugin?: true;
}

/** `reason` of the error when there is no kubeconfig file at all. */
export const KUBECONFIG_NOT_FOUND = "KubeconfigNotFound";

/** Where to look for it. */
export interface LoadKubeconfigOptions {
  /** This file and no other. */
  readonly path?: string | undefined;
  /** Holds `KUBECONFIG`, `HOME`, `USERPROFILE`. @default {the process's} */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Which of its contexts. @default {current-context of the file} */
  readonly context?: string | undefined;
}

/**
 * Loads the kubeconfig: `path`, else the files of `$KUBECONFIG` joined (files that do not exist are
 * left out), else `~/.kube/config`.
 *
 * Throws {@linkcode KubeletError} `invalid` that names the file, the entry and what is wrong; its
 * reason is {@linkcode KUBECONFIG_NOT_FOUND} if there is no file.
 */
export async function loadKubeconfig(
  options: LoadKubeconfigOptions = {},
): Promise<LoadedKubeconfig> {
  const candidates = kubeconfigPaths(options);
  const found: { file: string; config: Kubeconfig }[] = [];
  for (const file of candidates) {
    const text = await readIfThere(file);
    if (text !== undefined) found.push({ file, config: await parseKubeconfig(text, file) });
  }
  if (found.length === 0) {
    throw new KubeletError(
      "invalid",
      `Cannot load kubeconfig "${candidates.join(path.delimiter)}": no such file. Set KUBECONFIG ` +
        `to a file that names the cluster`,
      { reason: KUBECONFIG_NOT_FOUND },
    );
  }
  const files = found.map(({ file }) => file);
  const config = mergeKubeconfigs(found.map((one) => one.config));
  return { ...await resolve(config, { files, context: options.context }), files };
}

/** The files to look for, in kubectl's order. */
export function kubeconfigPaths(options: LoadKubeconfigOptions = {}): string[] {
  if (options.path !== undefined) return [path.resolve(options.path)];
  const env = options.env ?? Deno.env.toObject();
  const listed = (env["KUBECONFIG"] ?? "").split(path.delimiter).filter((file) => file !== "");
  if (listed.length > 0) return listed.map((file) => path.resolve(file));
  const home = env["HOME"] ?? env["USERPROFILE"];
  return home === undefined ? [] : [path.join(home, ".kube", "config")];
}

async function resolve(
  config: Kubeconfig,
  { files, context: wanted }: { files: readonly string[]; context: string | undefined },
): Promise<Omit<LoadedKubeconfig, "files">> {
  const all = files.join(path.delimiter);
  const name = wanted ?? config.currentContext;
  if (name === undefined) {
    throw invalid(all, `it has no current-context. It has ${names(config.contexts)}`);
  }
  const context = config.contexts.get(name);
  if (context === undefined) {
    throw invalid(all, `there is no context "${name}". It has ${names(config.contexts)}`);
  }
  const clusterName = textSetting(context, "cluster") ?? "";
  const cluster = config.clusters.get(clusterName);
  if (cluster === undefined) {
    throw invalid(
      context.file,
      `context "${name}" names cluster "${clusterName}", which is absent`,
    );
  }
  const userName = textSetting(context, "user") ?? "";
  const user = config.users.get(userName);
  if (user === undefined && userName !== "") {
    throw invalid(context.file, `context "${name}" names user "${userName}", which is absent`);
  }
  const namespace = textSetting(context, "namespace");
  const access = await clusterAccess(cluster);
  return {
    ...access,
    ...(user === undefined ? {} : await userAccess(user, access)),
    ...(namespace === undefined ? {} : { namespace }),
    context: name,
    cluster: clusterName,
    user: userName,
  };
}

async function clusterAccess(cluster: Entry): Promise<ClusterAccess> {
  const server = textSetting(cluster, "server");
  if (server === undefined) throw invalid(cluster.file, `cluster "${cluster.name}" has no server`);
  const caPem = await pemSetting(cluster, "certificate-authority");
  const tlsServerName = textSetting(cluster, "tls-server-name");
  const proxyUrl = textSetting(cluster, "proxy-url");
  return {
    server,
    ...(caPem === undefined ? {} : { caPem }),
    ...(tlsServerName === undefined ? {} : { tlsServerName }),
    ...(proxyUrl === undefined ? {} : { proxyUrl: checkedProxy(cluster, proxyUrl) }),
    ...(flagSetting(cluster, "insecure-skip-tls-verify") ? { insecureSkipVerify: true } : {}),
  };
}

function checkedProxy(cluster: Entry, proxyUrl: string): string {
  const protocol = URL.parse(proxyUrl)?.protocol ?? "";
  if (["http:", "https:", "socks5:"].includes(protocol)) return proxyUrl;
  throw invalid(
    cluster.file,
    `proxy-url "${proxyUrl}" of cluster "${cluster.name}" is not an http, https or socks5 address`,
  );
}

type Credentials = Pick<LoadedKubeconfig, "certPem" | "keyPem" | "token" | "plugin">;

async function userAccess(user: Entry, access: ClusterAccess): Promise<Credentials> {
  for (const key of ["username", "password"]) {
    if (textSetting(user, key) === undefined) continue;
    throw invalid(
      user.file,
      `user "${user.name}" has a ${key}, but Kubernetes has no passwords since 1.19. Use a client ` +
        `certificate or a token`,
    );
  }
  for (const key of ["as", "as-uid", "as-groups", "as-user-extra"]) {
    if (user.settings[key] === undefined) continue;
    throw invalid(user.file, `user "${user.name}" has "${key}": impersonation is not supported`);
  }
  const certPem = await pemSetting(user, "client-certificate");
  const keyPem = await pemSetting(user, "client-key");
  if ((certPem === undefined) !== (keyPem === undefined)) {
    const missing = certPem === undefined ? "client-certificate" : "client-key";
    throw invalid(user.file, `user "${user.name}" has no ${missing}, only the other half`);
  }
  const own: Credentials = {
    ...(certPem === undefined ? {} : { certPem }),
    ...(keyPem === undefined ? {} : { keyPem }),
  };
  const tokenFile = textSetting(user, "tokenFile");
  if (tokenFile !== undefined) {
    const read = (): Promise<string> => readFileOf(user, { key: "tokenFile", value: tokenFile });
    return { ...own, token: await rereadToken(read) };
  }
  const token = textSetting(user, "token");
  if (token !== undefined) return { ...own, token: () => Promise.resolve(token) };
  if (user.settings["exec"] === undefined && user.settings["auth-provider"] === undefined) {
    return own;
  }
  const { pluginCredentials } = await import("./kubeconfig_plugin.ts");
  return { ...own, ...await pluginCredentials(user, access), plugin: true };
}

/** PEM text of `KEY-data` (base64), else of the file that `KEY` names. */
async function pemSetting(entry: Entry, key: string): Promise<string | undefined> {
  const data = textSetting(entry, `${key}-data`);
  if (data !== undefined) {
    try {
      return new TextDecoder().decode(Uint8Array.fromBase64(data));
    } catch (error) {
      throw invalid(entry.file, `${key}-data of "${entry.name}" is not base64`, error);
    }
  }
  const file = textSetting(entry, key);
  return file === undefined ? undefined : await readFileOf(entry, { key, value: file });
}

async function readFileOf(
  entry: Entry,
  { key, value }: { key: string; value: string },
): Promise<string> {
  const file = path.resolve(path.dirname(entry.file), value);
  try {
    return await Deno.readTextFile(file);
  } catch (error) {
    const words = messageOf(error);
    throw invalid(entry.file, `cannot read "${file}" (${key} of "${entry.name}"): ${words}`, error);
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw invalid(file, `it cannot be read: ${messageOf(error)}`, error);
  }
}

function names(entries: ReadonlyMap<string, Entry>): string {
  return entries.size === 0
    ? "no contexts"
    : `the contexts ${[...entries.keys()].map((name) => `"${name}"`).join(", ")}`;
}
