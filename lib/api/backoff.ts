/**
 * How long to wait before the next attempt, after so many failures.
 *
 * @module
 */

/** Bounds of the waits; the mean doubles from the first to the last. */
export interface BackoffBounds {
  readonly firstMs: number;
  readonly lastMs: number;
}

/** One second to half a minute: a server that restarts is met soon, one that is away is spared. */
export const RETRY_BACKOFF: BackoffBounds = { firstMs: 1_000, lastMs: 30_000 };

/**
 * Wait before attempt number `failures` + 1. After the first failure it is between 0 and `firstMs`,
 * since a connection that broke is often there again; later between half and all of the doubled
 * time. `chance` in [0, 1) spreads nodes that lost the same server.
 */
export function backoffMs(
  failures: number,
  { chance, bounds = RETRY_BACKOFF }: { chance: number; bounds?: BackoffBounds },
): number {
  if (failures <= 1) return Math.round(bounds.firstMs * chance);
  const fullMs = Math.min(bounds.firstMs * 2 ** (failures - 1), bounds.lastMs);
  return Math.round(fullMs / 2 + (fullMs / 2) * chance);
}
