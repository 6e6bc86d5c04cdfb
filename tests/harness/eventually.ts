/**
 * Waits for what must come true.
 *
 * @module
 */

/** How often a condition is looked at: a look costs about a millisecond. */
const LOOK_EVERY_MS = 100;

/**
 * Looks until `look` answers something, and answers that.
 *
 * A look that throws or answers `undefined` or `false` is taken again, until `withinMs` is over (half
 * a minute by default). The error then says what was waited for and why the last look was in vain.
 */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | false>,
  options: { readonly withinMs?: number; readonly everyMs?: number } = {},
): Promise<T> {
  const { withinMs = 30_000, everyMs = LOOK_EVERY_MS } = options;
  const endMs = performance.now() + withinMs;
  let last: unknown;
  while (true) {
    try {
      const seen = await look();
      if (seen !== undefined && seen !== false) return seen;
      last = undefined;
    } catch (error) {
      if (error instanceof GiveUp) throw error;
      last = error;
    }
    if (performance.now() > endMs) {
      const why = last === undefined ? "" : `: ${last instanceof Error ? last.message : last}`;
      throw new Error(`Waited ${withinMs / 1_000} s in vain for ${what}${why}`);
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/** Thrown by a look that knows that waiting is useless. */
export class GiveUp extends Error {
  override readonly name = "GiveUp";
}
