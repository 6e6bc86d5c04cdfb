/**
 * Another try for what may pass: resets, silence, 429 and 5xx.
 *
 * @module
 */
import { setTimeout as delay } from "node:timers/promises";
import { PullFailure } from "./failure.ts";
import { ATTEMPTS_MAX, RETRY_AFTER_MS_MAX, RETRY_MS } from "./limits.ts";

/** Options of {@linkcode withRetries}. */
export interface RetryOptions {
  readonly signal: AbortSignal;
  /** In [0, 1): spreads the tries of several nodes. @default {Math.random} */
  readonly chance?: () => number;
  /** Milliseconds before the second try. @default {RETRY_MS} */
  readonly retryMs?: number | undefined;
  /** Milliseconds from the first try's begin within which each further one must begin. @default {any} */
  readonly withinMs?: number;
}

/** Runs `attempt` until it works, fails for good, or has been tried `ATTEMPTS_MAX` times. */
export async function withRetries<T>(
  attempt: () => Promise<T>,
  options: RetryOptions,
): Promise<T> {
  const { signal, chance = Math.random, retryMs = RETRY_MS, withinMs = Infinity } = options;
  const endMs = performance.now() + withinMs;
  for (let tried = 1;; tried++) {
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      const waitMs = retryWaitMs(error, { tried, retryMs, chance: chance() });
      signal.throwIfAborted();
      if (waitMs === undefined || performance.now() + waitMs >= endMs) throw error;
      await delay(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}

/** How long to wait before the next try; undefined if there shall be none. Touches nothing. */
export function retryWaitMs(
  error: unknown,
  { tried, retryMs, chance }: { tried: number; retryMs: number; chance: number },
): number | undefined {
  if (!(error instanceof PullFailure) || !error.retry || tried >= ATTEMPTS_MAX) return undefined;
  const ownMs = retryMs * 2 ** (tried - 1) * (0.5 + chance);
  if (error.retryAfterMs === undefined) return ownMs;
  return error.retryAfterMs > RETRY_AFTER_MS_MAX ? undefined : Math.max(error.retryAfterMs, ownMs);
}
