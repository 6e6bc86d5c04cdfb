/**
 * The newest version of something, and news of the next.
 *
 * @module
 */

/** Holds the newest value. Versions that nobody looked at in between are skipped. */
export class Latest<T> {
  #value: T;
  #waiting: (() => void)[] = [];

  /** Begins with this value; nobody is woken for it. */
  constructor(value: T) {
    this.#value = value;
  }

  /** The newest value. */
  get value(): T {
    return this.#value;
  }

  /** Replaces the value and wakes everyone who waits in {@linkcode changed}. */
  set(value: T): void {
    this.#value = value;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  /** Resolves at the next {@linkcode set}, or when the signal aborts. */
  changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const wake = (): void => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const leave = (): void => {
        this.#waiting = this.#waiting.filter((other) => other !== wake);
        resolve();
      };
      this.#waiting.push(wake);
      signal.addEventListener("abort", leave, { once: true });
    });
  }
}
