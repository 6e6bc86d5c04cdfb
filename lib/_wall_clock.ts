/**
 * A clock of the wall that a test may set, as people and time servers do.
 *
 * @module
 */

/** An hour, which is a zone or a summer time that somebody got wrong. */
export const HOUR_MS = 3_600_000;

/** Moves `Date.now()` of this whole process, until it is disposed of. Other clocks and timers go on. */
export class WallClock implements Disposable {
  readonly #real = Date.now;
  #aheadMs = 0;

  constructor() {
    Date.now = () => this.#real.call(Date) + this.#aheadMs;
  }

  /** Sets the clock forward, or back if `ms` is negative. */
  jump(ms: number): void {
    this.#aheadMs += ms;
  }

  [Symbol.dispose](): void {
    Date.now = this.#real;
  }
}
