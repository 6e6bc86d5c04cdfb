/** Random choices that are the same for the same seed. For tests only. */
export class Random {
  #state: number;

  /** Neighbouring seeds have nothing in common. */
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 up to, and not, `limit` (splitmix32). */
  below(limit: number): number {
    let bits = this.#state = (this.#state + 0x9e3779b9) | 0;
    bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad);
    bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97);
    return ((bits ^ (bits >>> 15)) >>> 0) % limit;
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }

  /** One of these. */
  of<T>(choices: ArrayLike<T>): T {
    return choices[this.below(choices.length)]!;
  }

  /** From `min` to `max` things, made one by one. */
  list<T>(min: number, max: number, make: (index: number) => T): T[] {
    return Array.from({ length: min + this.below(max - min + 1) }, (_, index) => make(index));
  }

  /** From `min` to `max` letters of this alphabet. */
  word(alphabet: string, min: number, max: number): string {
    let text = "";
    for (let left = min + this.below(max - min + 1); left > 0; left--) text += this.of(alphabet);
    return text;
  }
}
