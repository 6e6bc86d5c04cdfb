/**
 * What a peer is told of a command's ending: a `metav1.Status`, as a kubelet writes it.
 *
 * @module
 */
import { ERROR_CHARS_MAX } from "./limits.ts";
import type { CommandEnd } from "./session.ts";

/**
 * The words on the error stream. Before the fourth version of the protocol there are words only of a
 * failure, and no exit code.
 *
 * @param version 1 to 5.
 */
export function statusText(end: CommandEnd, version: number): string {
  if (version >= 4) return JSON.stringify(statusOf(end));
  return isSuccess(end) ? "" : messageOf(end);
}

function statusOf(end: CommandEnd): Record<string, unknown> {
  if (isSuccess(end)) return { metadata: {}, status: "Success" };
  const message = messageOf(end);
  if (end.kind === "failed") {
    return { metadata: {}, status: "Failure", message, reason: "InternalError", code: 500 };
  }
  const causes = [{ reason: "ExitCode", message: String(end.code) }];
  const details = { causes };
  return { metadata: {}, status: "Failure", message, reason: "NonZeroExitCode", details };
}

function isSuccess(end: CommandEnd): boolean {
  return end.kind === "exited" && end.code === 0;
}

function messageOf(end: CommandEnd): string {
  return end.kind === "failed"
    ? `Internal error occurred: ${end.message}`.slice(0, ERROR_CHARS_MAX)
    : `command terminated with non-zero exit code: ${end.code}`;
}
