import { ERRNO } from "../errno.ts";
import { IDLE_THREADS_MAX, THREAD_IDLE_MS, THREAD_SPAWN_WAIT_MS } from "../limits.ts";
import { Lock } from "./lock.ts";

/** A guest thread to run: what `wasi_thread_start` takes. */
export interface ThreadStart {
  readonly tid: number;
  readonly argument: number;
}

/** tids are below this (wasi-threads proposal, "Design choice: thread IDs"). */
const TID_END = 2 ** 29;

/** The words before the arrays. */
const WORD = {
  lock: 0,
  ended: 1,
  /** Guest threads that were started and have not returned, the first included. */
  live: 2,
  /** Workers that wait for a thread to run. */
  idle: 3,
  /** How many starts were taken out of the queue, and put into it, since the beginning. */
  taken: 4,
  put: 5,
  /** Changes with everything that the supervisor should look at. */
  bell: 6,
  /** Where the search for a free slot begins. */
  hint: 7,
  threadsMax: 8,
  settled: 9,
  arrays: 10,
} as const;

/**
 * The book of a guest's threads, in memory that they all share: who lives, who is to be started, and
 * whether the guest has ended.
 *
 * A thread is started without a word to the supervisor: whoever spawns puts the start into the queue,
 * and a Worker that waits there takes it.
 */
export class ThreadLedger {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array<SharedArrayBuffer>;
  /** Lets go of who waits in this thread for the bell. */
  #rungHere: (() => void) | undefined;
  readonly #lock: Lock;
  readonly #threadsMax: number;
  readonly #queueMask: number;

  /** Opens the book of others, or begins one for so many threads. */
  constructor(book: SharedArrayBuffer | { readonly threadsMax: number }) {
    this.buffer = book instanceof SharedArrayBuffer ? book : newBuffer(book.threadsMax);
    this.#words = new Int32Array(this.buffer);
    this.#lock = new Lock(this.#words, WORD.lock);
    this.#threadsMax = this.#words[WORD.threadsMax]!;
    this.#queueMask = queueLength(this.#threadsMax) - 1;
  }

  /** Guest threads that were started and have not returned, the first included. */
  get live(): number {
    return Atomics.load(this.#words, WORD.live);
  }

  /** The guest has ended: nobody starts, and nobody goes on. */
  get ended(): boolean {
    return Atomics.load(this.#words, WORD.ended) !== 0;
  }

  /** How many threads Workers have begun to run. */
  get taken(): number {
    return Atomics.load(this.#words, WORD.taken);
  }

  /** Starts for which no Worker waits. */
  get unattended(): number {
    const words = this.#words;
    return this.#lock.hold(() => words[WORD.put]! - words[WORD.taken]! - words[WORD.idle]! | 0);
  }

  /**
   * Gives a new thread its number and queues it. If there are too many already it waits for a moment:
   * a thread that another has joined is still on its way out. Then it answers a negated errno.
   */
  spawn(argument: number): number {
    const words = this.#words;
    for (let last = false;; last = true) {
      const live = Atomics.load(words, WORD.live);
      const tid = this.#lock.hold(() => this.#spawnHeld(argument));
      if (tid > 0) {
        Atomics.notify(words, WORD.put, 1);
        if (this.unattended > 0) this.ring();
        return tid;
      }
      if (last || this.ended) return -ERRNO.again;
      Atomics.wait(words, WORD.live, live, THREAD_SPAWN_WAIT_MS);
    }
  }

  /** Blocks until there is a thread to run; undefined if this Worker is needed no more. */
  take(): ThreadStart | undefined {
    const words = this.#words;
    this.#lock.hold(() => words[WORD.idle]! += 1);
    while (true) {
      const put = Atomics.load(words, WORD.put);
      const taken = this.#lock.hold(() => this.#takeHeld());
      if (taken !== "wait") return taken;
      const woken = Atomics.wait(words, WORD.put, put, THREAD_IDLE_MS);
      if (woken === "timed-out" && this.#lock.hold(() => this.#retireHeld())) return undefined;
    }
  }

  /** Takes a thread that has returned out of the book. */
  finish(tid: number): void {
    const slot = WORD.arrays + (tid - 1) % this.#threadsMax;
    this.#lock.hold(() => {
      this.#words[slot] = -this.#words[slot]!;
      this.#words[WORD.live]! -= 1;
    });
    Atomics.notify(this.#words, WORD.live, 1);
  }

  /** Ends the guest. True for the first who says so: only that word counts. */
  end(): boolean {
    const first = Atomics.exchange(this.#words, WORD.ended, 1) === 0;
    Atomics.add(this.#words, WORD.put, 1); // so that no Worker falls asleep after having looked
    Atomics.notify(this.#words, WORD.put);
    return first;
  }

  /** Says that the supervisor has heard how the guest ended. */
  settle(): void {
    Atomics.store(this.#words, WORD.settled, 1);
    Atomics.notify(this.#words, WORD.settled);
  }

  /** Blocks until the supervisor has heard: Deno may lose the last message of a Worker that ends. */
  awaitSettled(): void {
    while (Atomics.load(this.#words, WORD.settled) === 0) {
      Atomics.wait(this.#words, WORD.settled, 0);
    }
  }

  /** Has the supervisor look at what it serves. */
  ring(): void {
    Atomics.add(this.#words, WORD.bell, 1);
    Atomics.notify(this.#words, WORD.bell);
    this.#rungHere?.();
  }

  /** What to hand to {@linkcode untilRung}. Ask before looking at what the bell is rung for. */
  get rung(): number {
    return Atomics.load(this.#words, WORD.bell);
  }

  /** Settles when the bell has been rung since `rung` was read; true if it had been already. */
  async untilRung(rung: number): Promise<boolean> {
    const waiting = Atomics.waitAsync(this.#words, WORD.bell, rung);
    if (!waiting.async) return true;
    // Nothing but this wait may be left, and Deno's event loop does not go on for it.
    const rungHere = Promise.withResolvers<void>();
    this.#rungHere = rungHere.resolve;
    void waiting.value.then(() => rungHere.resolve());
    await rungHere.promise;
    return false;
  }

  #spawnHeld(argument: number): number {
    const words = this.#words;
    if (words[WORD.ended] !== 0 || words[WORD.live]! >= this.#threadsMax) return 0;
    const tid = this.#newTid();
    const at = this.#placeOf(words[WORD.put]!);
    words[at] = tid;
    words[at + 1] = argument;
    words[WORD.live]! += 1;
    Atomics.add(words, WORD.put, 1);
    return tid;
  }

  #takeHeld(): ThreadStart | "wait" | undefined {
    const words = this.#words;
    const ended = words[WORD.ended] !== 0;
    if (!ended && words[WORD.taken] === words[WORD.put]) return "wait";
    words[WORD.idle]! -= 1;
    if (ended) return undefined;
    const at = this.#placeOf(words[WORD.taken]!);
    words[WORD.taken] = words[WORD.taken]! + 1 | 0;
    return { tid: words[at]!, argument: words[at + 1]! };
  }

  /** Some Workers stay warm for the next thread; the others give their memory back. */
  #retireHeld(): boolean {
    const words = this.#words;
    if (words[WORD.put] !== words[WORD.taken]) return false;
    if (words[WORD.idle]! <= IDLE_THREADS_MAX) return false;
    words[WORD.idle]! -= 1;
    return true;
  }

  /**
   * A slot holds the number of times that it was used: positive while a thread lives in it. A tid is
   * made of both, so that living threads never share one and a tid comes back late.
   */
  #newTid(): number {
    const words = this.#words;
    const rounds = Math.floor((TID_END - 1) / this.#threadsMax);
    for (let slot = words[WORD.hint]!;; slot = (slot + 1) % this.#threadsMax) {
      const used = words[WORD.arrays + slot]!;
      if (used > 0) continue;
      const round = -used % rounds + 1;
      words[WORD.arrays + slot] = round;
      words[WORD.hint] = (slot + 1) % this.#threadsMax;
      return (round - 1) * this.#threadsMax + slot + 1;
    }
  }

  /** Where the queue has the start of this number. */
  #placeOf(count: number): number {
    return WORD.arrays + this.#threadsMax + 2 * (count & this.#queueMask);
  }
}

/** A word for each thread's slot, and two for each start in the queue. The first thread lives. */
function newBuffer(threadsMax: number): SharedArrayBuffer {
  const words = WORD.arrays + threadsMax + 2 * queueLength(threadsMax);
  const buffer = new SharedArrayBuffer(4 * words);
  const book = new Int32Array(buffer);
  book[WORD.live] = 1;
  book[WORD.threadsMax] = threadsMax;
  return buffer;
}

/** A power of two, so that counters may overflow. */
function queueLength(threadsMax: number): number {
  return 2 ** Math.ceil(Math.log2(threadsMax));
}
