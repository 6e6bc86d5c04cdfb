/**
 * The part of the API client that the node needs, and how it is asked again.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import type { ApiClient } from "../api/client.ts";
import { messageOf } from "../errors.ts";
import { sleep } from "../time.ts";

/** What the node asks of the API server. `ApiClient` fits. */
export type NodeApi = Pick<ApiClient, "get" | "create" | "update" | "patch">;

/** A request without an answer must not outlast the lease that it may be about. */
export const REQUEST_MS_MAX = 10_000;
/** The first pause after a failure; each further one is twice as long. */
const RETRY_MS_MIN = 200;
/** The longest pause: a kubelet's, for its lease and its registration. */
const RETRY_MS_MAX = 7_000;

/**
 * How long to wait after so many failures in a row (from 1).
 *
 * `chance` in [0, 1) spreads nodes that lost the same API server.
 */
export function retryDelayMs(failures: number, chance: number): number {
  const full = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(failures - 1, 16));
  return full * (0.75 + 0.25 * chance);
}

/**
 * Tries until it works; each failure is logged with what was tried, as `register node "a"`.
 *
 * @returns `undefined` if the signal aborts first.
 */
export async function untilDone<T>(
  what: string,
  { signal, run }: { readonly signal: AbortSignal; run(): Promise<T> },
): Promise<T | undefined> {
  for (let failures = 1; !signal.aborted; failures++) {
    try {
      return await run();
    } catch (error) {
      if (signal.aborted) break;
      getLogger(["krustlet", "node"]).warning("Cannot {what}, trying again: {error}", {
        what,
        error: messageOf(error),
      });
    }
    await sleep(retryDelayMs(failures, Math.random()), signal);
  }
  return undefined;
}
