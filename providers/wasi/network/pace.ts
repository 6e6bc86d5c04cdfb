/** A limit on how often something happens: so many at once, and then so many per second. */
export class Pace {
  readonly #perSecond: number;
  readonly #burst: number;
  #left: number;
  #atMs: number;

  constructor(
    { perSecond, burst, nowMs }: {
      readonly perSecond: number;
      readonly burst: number;
      readonly nowMs: number;
    },
  ) {
    this.#perSecond = perSecond;
    this.#burst = this.#left = burst;
    this.#atMs = nowMs;
  }

  /** It happens once more: milliseconds to wait before. */
  take(nowMs: number): number {
    const gainedSince = Math.max(0, nowMs - this.#atMs) * this.#perSecond / 1_000;
    this.#left = Math.min(this.#burst, this.#left + gainedSince) - 1;
    this.#atMs = nowMs;
    return this.#left >= 0 ? 0 : -this.#left * 1_000 / this.#perSecond;
  }
}
