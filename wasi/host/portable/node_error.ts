import { ERRNO, errnoOf } from "../../errno.ts";
import { Refusal } from "../../refusal.ts";

/**
 * The WASI errno of what `node:fs` and Deno throw, and of a `Refusal`, negated; anything else is thrown
 * on.
 *
 * A missing permission of the process is `acces` to the guest.
 */
export function refusalOf(error: unknown): number {
  if (error instanceof Refusal) return -error.errno;
  if (!(error instanceof Error)) throw error;
  if ("code" in error && typeof error.code === "string" && /^E[A-Z0-9]+$/.test(error.code)) {
    return -errnoOf(error.code.slice(1).toLowerCase());
  }
  if (error.name === "NotCapable" || error.name === "PermissionDenied") return -ERRNO.acces;
  throw error;
}

/** Does it, and answers the negated errno if that fails. */
export function attempt(action: () => number | void): number {
  try {
    return action() ?? 0;
  } catch (error) {
    return refusalOf(error);
  }
}
