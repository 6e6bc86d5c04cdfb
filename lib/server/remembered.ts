/**
 * Answers of others, believed for a while.
 *
 * @module
 */

/** How answers are kept. */
export interface RememberedOptions<T> {
  /** Good answers that are kept, and as many others; the one that was given first goes first. */
  readonly entriesMax: number;
  /** How long an answer is believed, in ms. 0 forgets it at once. */
  keepMs(answer: T): number;
  /**
   * Whether somebody is known by this answer. Strangers make as many others as they like, and none of
   * them costs a good one its place.
   */
  isGood(answer: T): boolean;
  /** A clock that never jumps, in ms. @default {performance.now} */
  nowMs?(): number;
}

interface Entry<T> {
  readonly answer: T;
  readonly untilMs: number;
}

/**
 * Asks once for questions that come together, and remembers the answer. A question that could not be
 * asked is not remembered.
 */
export class Remembered<T> {
  readonly #options: RememberedOptions<T>;
  readonly #good = new Map<string, Entry<T>>();
  readonly #others = new Map<string, Entry<T>>();
  /** As many as there are who wait: whoever asks bounds them. */
  readonly #asked = new Map<string, Promise<T>>();

  /** Empty at first. */
  constructor(options: RememberedOptions<T>) {
    this.#options = options;
  }

  /** The answer that is known to the question `key`, or that of `ask`. */
  async get(key: string, ask: () => Promise<T>): Promise<T> {
    const known = this.#good.get(key) ?? this.#others.get(key);
    if (known !== undefined && this.#nowMs() < known.untilMs) return known.answer;
    const under = this.#asked.get(key);
    if (under !== undefined) return await under;
    const asked = ask();
    this.#asked.set(key, asked);
    try {
      const answer = await asked;
      this.#keep(key, answer);
      return answer;
    } finally {
      this.#asked.delete(key);
    }
  }

  /** True if the last answer was a good one, and is not forgotten, though it may not be believed any more. */
  wasGood(key: string): boolean {
    return this.#good.has(key);
  }

  #keep(key: string, answer: T): void {
    for (const table of [this.#good, this.#others]) table.delete(key);
    const { entriesMax, keepMs, isGood } = this.#options;
    const table = isGood(answer) ? this.#good : this.#others;
    table.set(key, { answer, untilMs: this.#nowMs() + keepMs(answer) });
    // A map keeps its order: the first one was answered longest ago.
    if (table.size > entriesMax) table.delete(table.keys().next().value!);
  }

  #nowMs(): number {
    return this.#options.nowMs?.() ?? performance.now();
  }
}
