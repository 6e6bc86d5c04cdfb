/** Random numbers that are the same for the same seed: xorshift, fast rather than good. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed | 0) || 1;
  }

  /** A whole number from 0 up to, and not, `limit`. */
  below(limit: number): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return (state >>> 0) % limit;
  }

  /** One of these. */
  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
}
