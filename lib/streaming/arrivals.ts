/** What has come and was not taken yet, for one reader. Whoever adds bounds how many there can be. */
export class Arrivals<T> implements AsyncIterable<T> {
  readonly #kept: T[] = [];
  #ended = false;
  #wake: (() => void) | undefined;

  /** Keeps one. */
  add(thing: T): void {
    this.#kept.push(thing);
    this.#wake?.();
  }

  /** No more will come; what has come can still be taken. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    while (true) {
      const thing = this.#kept.shift();
      if (thing !== undefined) {
        yield thing;
      } else if (this.#ended) {
        return;
      } else {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        await promise;
        this.#wake = undefined;
      }
    }
  }
}
