/**
 * How fast a counter grows.
 *
 * @module
 */

/** A rate is told over at least this long, so that one look does not make it jump. */
export const RATE_WINDOW_MS = 10_000;

interface Point {
  readonly atMs: number;
  readonly nanos: number;
}

/** CPU time used, as a rate over the last {@linkcode RATE_WINDOW_MS} or somewhat more. */
export class CpuRate {
  /** Oldest first; the first is the newest that is a whole window old, or the oldest there is. */
  #points: Point[] = [];

  /**
   * Takes note of a counter of nanoseconds. Answers billionths of a CPU, or `undefined` while it is
   * too young for a rate.
   */
  observe(atMs: number, nanos: number): number | undefined {
    const last = this.#points.at(-1);
    // It began anew, or the clock was set back: what was before says nothing any more.
    if (last !== undefined && (nanos < last.nanos || atMs < last.atMs)) this.#points = [];
    this.#points.push({ atMs, nanos });
    while (this.#points.length > 1 && atMs - this.#points[1]!.atMs >= RATE_WINDOW_MS) {
      this.#points.shift();
    }
    const [first] = this.#points;
    const ms = atMs - first!.atMs;
    if (ms < RATE_WINDOW_MS / 2) return undefined;
    return Math.round((nanos - first!.nanos) * 1000 / ms);
  }
}
