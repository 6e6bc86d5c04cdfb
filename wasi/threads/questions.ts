import type { ThreadLedger } from "./thread_ledger.ts";

/** What a thread may ask of the supervisor. */
export const TOPIC = {
  /** Make a WASI call: layout, number of the call, arguments. The answer is its errno. */
  call: 0,
  /** Read from a source: stream, pointer, length. The answer is the count. */
  read: 1,
  /** Decide on an address: an `AddressRequest` as JSON. The answer's text is the decision. */
  allow: 2,
  /** The addresses of a name. The answer's text is a list. */
  lookup: 3,
} as const;

/** A question on its way, as the supervisor reads it. */
export interface Question {
  readonly topic: number;
  readonly values: (number | bigint)[];
  readonly text: string;
}

/** What the supervisor says to it. */
export interface Reply {
  readonly value: number;
  readonly text?: string;
}

const STATE = { idle: 0, asked: 1, heard: 2, answered: 3 } as const;
const WORD = { state: 0, topic: 1, count: 2, bigints: 3, textBytes: 4 } as const;
/** Arguments of the longest call, and what comes before them. */
const VALUES_MAX = 12;
const ANSWER_AT = 24;
const VALUES_AT = 32;
const TEXT_AT = VALUES_AT + 8 * VALUES_MAX;
/** Bytes of a text: enough for all the addresses that a name can have. */
const TEXT_BYTES_MAX = 8_192;

/** The line of one thread to the supervisor: a question at a time, which blocks the thread. */
export class QuestionLine {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #values: BigInt64Array<SharedArrayBuffer>;
  readonly #answer: Float64Array<SharedArrayBuffer>;
  readonly #text: Uint8Array<SharedArrayBuffer>;

  /** Opens a line that another has made, or makes one. */
  constructor(buffer = new SharedArrayBuffer(TEXT_AT + TEXT_BYTES_MAX)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer, 0, ANSWER_AT / 4);
    this.#answer = new Float64Array(buffer, ANSWER_AT, 1);
    this.#values = new BigInt64Array(buffer, VALUES_AT, VALUES_MAX);
    this.#text = new Uint8Array(buffer, TEXT_AT);
  }

  /** Asks and waits for the answer. For the thread. */
  ask(ledger: ThreadLedger, { topic, values, text }: Question): Required<Reply> {
    const words = this.#words;
    words[WORD.topic] = topic;
    words[WORD.count] = values.length;
    words[WORD.bigints] = 0;
    for (let index = 0; index < values.length; index++) {
      const value = values[index]!;
      if (typeof value === "bigint") words[WORD.bigints]! |= 1 << index;
      this.#values[index] = BigInt(value);
    }
    this.#writeText(text);
    Atomics.store(words, WORD.state, STATE.asked);
    ledger.ring();
    for (;;) {
      const state = Atomics.load(words, WORD.state);
      if (state === STATE.answered) break;
      Atomics.wait(words, WORD.state, state);
    }
    words[WORD.state] = STATE.idle;
    return { value: this.#answer[0]!, text: this.#readText() };
  }

  /** The question that nobody has heard yet. For the supervisor, which then owes an answer. */
  hear(): Question | undefined {
    const words = this.#words;
    const { asked, heard } = STATE;
    if (Atomics.compareExchange(words, WORD.state, asked, heard) !== asked) return undefined;
    const values = Array.from(this.#values.subarray(0, words[WORD.count]!), (value, index) => {
      return (words[WORD.bigints]! & 1 << index) === 0 ? Number(value) : value;
    });
    return { topic: words[WORD.topic]!, values, text: this.#readText() };
  }

  /** Answers, and lets the thread go on. */
  answer({ value, text = "" }: Reply): void {
    this.#answer[0] = value;
    this.#writeText(text);
    Atomics.store(this.#words, WORD.state, STATE.answered);
    Atomics.notify(this.#words, WORD.state);
  }

  #writeText(text: string): void {
    if (text === "") {
      this.#words[WORD.textBytes] = 0;
      return;
    }
    const bytes = new TextEncoder().encode(text);
    if (bytes.length > TEXT_BYTES_MAX) {
      throw new RangeError(`Cannot pass ${bytes.length} bytes: the limit is ${TEXT_BYTES_MAX}`);
    }
    this.#text.set(bytes);
    this.#words[WORD.textBytes] = bytes.length;
  }

  #readText(): string {
    const length = this.#words[WORD.textBytes]!;
    return length === 0 ? "" : new TextDecoder().decode(this.#text.slice(0, length));
  }
}
