import type { NetworkNews } from "../network/news.ts";

const WORD = { guarded: 0, closing: 1, count: 2 } as const;

/**
 * News of the network for all threads of a guest. The thread that serves them looks for some and writes it down;
 * what waits for a connection is shut down by that thread, so the others need not wait for news.
 */
export class SharedNews implements NetworkNews {
  readonly buffer: SharedArrayBuffer;
  readonly descriptor = undefined;
  readonly #words: Int32Array<SharedArrayBuffer>;

  /** Opens the news of others, or makes a place for them. */
  constructor(buffer = new SharedArrayBuffer(4 * WORD.count)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
  }

  look(): { readonly guarded: boolean; readonly closing: boolean } {
    return {
      guarded: Atomics.load(this.#words, WORD.guarded) !== 0,
      closing: Atomics.load(this.#words, WORD.closing) !== 0,
    };
  }

  /** Writes down what is so now. */
  tell({ guarded, closing }: { readonly guarded: boolean; readonly closing: boolean }): void {
    Atomics.store(this.#words, WORD.guarded, guarded ? 1 : 0);
    Atomics.store(this.#words, WORD.closing, closing ? 1 : 0);
  }
}
