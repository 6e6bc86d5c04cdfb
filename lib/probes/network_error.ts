/**
 * What went wrong on the network, in the words that people know from a kubelet.
 *
 * @module
 */
import { messageOf } from "../errors.ts";

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connect: connection refused",
  ECONNRESET: "connection reset by peer",
  EHOSTUNREACH: "connect: no route to host",
  ENETUNREACH: "connect: network is unreachable",
  ENOTFOUND: "no such host",
  ETIMEDOUT: "i/o timeout",
};

/** A kubelet's words for an error of the system; its own for any other. */
export function networkMessage(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return Object.hasOwn(WORDS, code) ? WORDS[code]! : messageOf(error);
}
