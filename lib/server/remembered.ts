/**
 * Answers of others, believed for a while.
 *
 * @module
 */

/** How answers are kept. */
export interface RememberedOptions<T> {
  /** Answers that are kept; the one that was asked for first goes first. */
  readonly entriesMax: number;
  /** How long an answer is believed, in ms. 0 forgets it at once. */
  keepMs(answer: T): number;
  /** A clock that never jumps, in ms. @default {performance.now} */
  nowMs?(): number;
}

interface Entry<T> {
  readonly answer: Promise<T>;
  /** `Infinity` while there is no answer yet. */
  untilMs: number;
}

/**
 * Asks once for questions that come together, and remembers the answer. A question that could not be
 * asked is not remembered.
 */
export class Remembered<T> {
  readonly #options: RememberedOptions<T>;
  readonly #entries = new Map<string, Entry<T>>();

  /** Empty at first. */
  constructor(options: RememberedOptions<T>) {
    this.#options = options;
  }

  /** The answer that is known to the question `key`, or that of `ask`. */
  get(key: string, ask: () => Promise<T>): Promise<T> {
    const known = this.#entries.get(key);
    if (known !== undefined && this.#nowMs() < known.untilMs) return known.answer;
    const entry: Entry<T> = { answer: ask(), untilMs: Infinity };
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    // A map keeps its order: the first one was asked longest ago.
    if (this.#entries.size > this.#options.entriesMax) {
      this.#entries.delete(this.#entries.keys().next().value!);
    }
    entry.answer.then(
      (answer) => entry.untilMs = this.#nowMs() + this.#options.keepMs(answer),
      () => {
        if (this.#entries.get(key) === entry) this.#entries.delete(key);
      },
    );
    return entry.answer;
  }

  #nowMs(): number {
    return this.#options.nowMs?.() ?? performance.now();
  }
}
