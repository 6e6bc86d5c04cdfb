/**
 * What a registry's refusal means, and what a person can do about it.
 *
 * @module
 */
import type { Credential } from "./credential.ts";
import { clean, PullFailure, retryAfterMs } from "./failure.ts";
import { ERROR_BYTES_MAX } from "../limits.ts";
import type { Reply } from "./transport.ts";

/** Who was asked, for what, and as whom. */
export interface Asked {
  /** Host of the registry or of its token server. */
  readonly host: string;
  /** `registry` or `token server`. */
  readonly role: "registry" | "token server";
  /** The registry's name in `auths` of a pull secret. */
  readonly registry: string;
  /** What was wanted, as `manifest "v1" of "library/hello"`. */
  readonly wanted: string;
  readonly credential: Credential | undefined;
}

/** Reads the rest of an answer that is not a success, and puts it into words. */
export async function refusal(reply: Reply, asked: Asked): Promise<PullFailure> {
  const { status } = reply;
  const words = await registryWords(reply);
  const waitMs = retryAfterMs(reply.headers.get("retry-after"), Date.now());
  return new PullFailure(`${meaning(status, asked)}${words === "" ? "" : `: it says "${words}"`}`, {
    status,
    retry: status === 429 || status >= 500,
    ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
  });
}

function meaning(status: number, asked: Asked): string {
  const { credential, registry, wanted } = asked;
  const who = `${asked.role} "${asked.host}"`;
  if (status === 401 && credential === undefined) {
    return `${who} asks for credentials (401); name a Secret of type ` +
      `kubernetes.io/dockerconfigjson for "${registry}" in the pod's imagePullSecrets`;
  }
  if (status === 401) {
    return `${who} refuses the user and password of pull secret "${credential!.source}" (401); ` +
      `correct the Secret`;
  }
  if (status === 403) {
    const as = credential === undefined
      ? `without credentials (403); name a Secret for "${registry}" in the pod's imagePullSecrets`
      : `to the user of pull secret "${credential.source}" (403); grant that user read access`;
    return `${who} forbids ${wanted} ${as}`;
  }
  if (status === 404) {
    return `${who} has no ${wanted} (404); check the name and the tag, and that they were pushed` +
      (credential === undefined ? "; a private repository may also answer so" : "");
  }
  if (status === 429) return `${who} allows no more requests for now (429)`;
  if (status >= 500) return `${who} is in trouble (${status}); try again later`;
  return `${who} answered ${status} when asked for ${wanted}`;
}

/** The first error of the distribution specification's error body; empty if there is none. */
async function registryWords(reply: Reply): Promise<string> {
  try {
    const text = new TextDecoder().decode(await reply.bytes(ERROR_BYTES_MAX));
    const body: unknown = JSON.parse(text);
    const errors = isObject(body) ? body["errors"] : undefined;
    const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
    if (!isObject(first)) return "";
    return clean([first["code"], first["message"]].filter((x) => typeof x === "string").join(": "));
  } catch {
    // The status has been understood; a body that cannot be read adds nothing.
    return "";
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
