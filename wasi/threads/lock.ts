const FREE = 0;
const HELD = 1;
/** Held, and somebody may be asleep on it. */
const CONTESTED = 2;

/**
 * A lock in shared memory, for a few instructions at a time: whoever holds it never waits for
 * anything but another lock.
 */
export class Lock {
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #index: number;

  /** The lock is one word; 0 means free. */
  constructor(words: Int32Array<SharedArrayBuffer>, index: number) {
    this.#words = words;
    this.#index = index;
  }

  /** Runs with the lock held. */
  hold<T>(run: () => T): T {
    this.acquire();
    try {
      return run();
    } finally {
      this.release();
    }
  }

  /** Blocks this thread until the lock is its own. */
  acquire(): void {
    if (Atomics.compareExchange(this.#words, this.#index, FREE, HELD) === FREE) return;
    while (Atomics.exchange(this.#words, this.#index, CONTESTED) !== FREE) {
      Atomics.wait(this.#words, this.#index, CONTESTED);
    }
  }

  release(): void {
    if (Atomics.exchange(this.#words, this.#index, FREE) === CONTESTED) {
      Atomics.notify(this.#words, this.#index, 1);
    }
  }
}
