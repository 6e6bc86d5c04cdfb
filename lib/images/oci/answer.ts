/**
 * What a registry's refusal means, and what a person can do about it.
 *
 * @module
 */
import type { Credential } from "./credential.ts";
import { clean, PullFailure, retryAfterMs } from "./failure.ts";
import { ERROR_BYTES_MAX } from "./limits.ts";
import type { Problem } from "./problem.ts";
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
  /** What the credential should allow. @default {"read"} */
  readonly right?: "read" | "write";
}

/** Reads the rest of an answer that is not a success, and puts it into words. */
export async function refusal(reply: Reply, asked: Asked): Promise<PullFailure> {
  const { status } = reply;
  const words = await registryWords(reply);
  const { state, hint = "", problem } = meaning(status, asked);
  return new PullFailure(`${state}${words === "" ? "" : `: it says "${words}"`}${hint}`, {
    status,
    retry: status === 429 || status >= 500,
    unavailable: status >= 500,
    retryAfterMs: retryAfterMs(reply.headers.get("retry-after"), Date.now()),
    problem,
  });
}

interface Meaning {
  readonly state: string;
  readonly hint?: string;
  readonly problem?: Problem;
}

function meaning(status: number, asked: Asked): Meaning {
  const { credential, registry, wanted, right = "read" } = asked;
  const who = `${asked.role} "${asked.host}"`;
  switch (status) {
    case 401:
      return credential === undefined
        ? {
          state: `${who} asks for credentials (401)`,
          problem: { kind: "no_credentials", registry },
        }
        : {
          state: `${who} refuses the user and password of ${credential.source} (401)`,
          problem: { kind: "wrong_credentials", registry, source: credential.source },
        };
    case 403:
      return credential === undefined
        ? {
          state: `${who} forbids ${wanted} without credentials (403)`,
          problem: { kind: "no_right", registry, right },
        }
        : {
          state: `${who} forbids ${wanted} to the user of ${credential.source} (403)`,
          problem: { kind: "no_right", registry, source: credential.source, right },
        };
    case 404:
      if (asked.role === "token server") {
        return {
          state: `${who} gives no tokens at this address (404)`,
          hint: "; correct the realm in the registry's configuration",
        };
      }
      return {
        state: `${who} has no ${wanted} (404)`,
        hint:
          (right === "write"
            ? "; check the name, and that the repository may be made"
            : wanted.startsWith("blob ")
            ? "; not all of the image is there: push it again"
            : "; check the name and the tag, and that they were pushed") +
          (credential === undefined ? "; a private repository may also answer so" : ""),
      };
    case 405:
      return {
        state: `${who} does not allow this (405) when asked for ${wanted}`,
        hint: "; is it a registry?",
      };
    case 413:
      return {
        state: `${who} takes nothing as large as ${wanted} (413)`,
        hint: "; raise its limit, or that of a proxy before it",
      };
    case 429:
      return { state: `${who} allows no more requests for now (429)`, hint: "; try again later" };
  }
  if (status >= 500) {
    return { state: `${who} is in trouble (${status})`, hint: "; try again later" };
  }
  return {
    state: `${who} answered ${status} when asked for ${wanted}`,
    hint: "; is it a registry?",
  };
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
