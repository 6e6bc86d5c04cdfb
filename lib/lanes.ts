/**
 * A bound on how many things happen at the same time.
 *
 * @module
 */

/** Lets at most `count` holders in at a time; the others wait in the order in which they came. */
export class Lanes {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** @param count how many may be in at a time, at least 1. */
  constructor(count: number) {
    this.#free = count;
  }

  /** Waits for a lane. Dispose of the answer to leave it. */
  async enter(): Promise<Disposable> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    let left = false;
    return {
      [Symbol.dispose]: () => {
        if (left) return;
        left = true;
        const next = this.#waiting.shift();
        if (next === undefined) this.#free++;
        else next();
      },
    };
  }
}
