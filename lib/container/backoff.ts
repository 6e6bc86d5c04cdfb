/**
 * Kubernetes' back-off: 10 s, doubling to 5 min, forgotten after 10 min of health.
 *
 * @module
 */

/** The first pause. */
export const BACKOFF_FIRST_MS = 10_000;
/** The longest pause. */
export const BACKOFF_MS_MAX = 300_000;
/** A run of this length clears the slate. */
export const BACKOFF_RESET_MS = 600_000;

/**
 * The pause after one more failure.
 *
 * @param previousMs the pause before it; `undefined` after the first failure.
 */
export function nextBackoffMs(previousMs: number | undefined): number {
  if (previousMs === undefined) return BACKOFF_FIRST_MS;
  return Math.min(previousMs * 2, BACKOFF_MS_MAX);
}

/** A pause in the words of a status message: `10s`, `2m40s`, `5m0s`. */
export function backoffText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
