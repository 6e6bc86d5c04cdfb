import { ERRNO, errnoOf } from "../../errno.ts";

/**
 * The WASI errno, negated, of what went wrong with a socket. Unlike with files nothing is thrown on:
 * most of it happens while nobody listens. What is unknown is `io`.
 *
 * A missing permission of the process is `acces` to the guest; what was closed meanwhile is `badf`.
 */
export function socketRefusal(error: unknown): number {
  if (!(error instanceof Error)) return -ERRNO.io;
  if (CLOSED.has(error.name)) return -ERRNO.badf;
  if (error.name === "NotCapable" || error.name === "PermissionDenied") return -ERRNO.acces;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return -errnoOf(code.replace(/^E/, "").toLowerCase());
}

/** What Deno throws at those who wait for something that is closed, or was stopped by a signal. */
const CLOSED: ReadonlySet<string> = new Set(["BadResource", "Interrupted", "AbortError"]);
