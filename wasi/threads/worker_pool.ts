import type * as WorkerThreads from "node:worker_threads";
import { THREAD_STACK_MIB } from "../limits.ts";
import type { ThreadSetup, ThreadWord } from "./thread_setup.ts";

/** MiB of a Worker's heap for new objects. */
const YOUNG_GENERATION_MIB = 2;
/** Milliseconds in which Workers that were told to end must go on ending, one after the other. */
const ENDING_MS = 25;
/** Milliseconds that a Worker may take to start; it cannot be ended before. */
const STARTING_MS_MAX = 10_000;

/** Why that may be: the process may not read the Worker's program, or a sandbox hides it. */
const NOT_STARTED =
  "its Worker ended before it began: the program of the WASI host must be readable";

/** What {@linkcode WorkerPool} tells of its Workers. */
export interface PoolEvents {
  onReady(): void;
  onWord(word: Extract<ThreadWord, { word: "ended" | "failed" }>): void;
}

/** A Worker that has not ended. */
interface Member {
  readonly worker: WorkerThreads.Worker;
  readonly started: Promise<void>;
  readonly ended: Promise<void>;
  starting: boolean;
}

/**
 * The Workers of one guest. They are Workers of `node:worker_threads`: those can be ended in the
 * middle of a loop, and have as much stack as they are given. They share the permissions of the
 * process; giving one up in a Worker takes it from the process as well.
 */
export class WorkerPool {
  readonly #events: PoolEvents;
  readonly #members = new Set<Member>();

  constructor(events: PoolEvents) {
    this.#events = events;
  }

  /** True while a Worker has been started and has not said that it is ready. */
  get starting(): boolean {
    return this.#members.values().some(({ starting }) => starting);
  }

  /**
   * Starts a Worker; `onEnded` is called when it has ended. Throws if the process may not read its
   * file.
   */
  start(setup: ThreadSetup, onEnded: () => void): void {
    const { Worker } = globalThis.process.getBuiltinModule("node:worker_threads");
    const url = new URL("./guest_thread_worker.ts", import.meta.url);
    const resourceLimits = {
      // Deno sets the stack of the thread by this; without, V8's own limit may lie beyond its end.
      stackSizeMb: THREAD_STACK_MIB,
      // Only garbage of ours is there, and V8 would let it become 32 MiB in each Worker.
      maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB,
    };
    const worker = new Worker(url, { workerData: setup, resourceLimits, env: {} });
    const started = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    const member: Member = {
      worker,
      started: started.promise,
      ended: ended.promise,
      starting: true,
    };
    this.#members.add(member);
    worker.on("message", (word: ThreadWord) => {
      member.starting = false;
      started.resolve();
      if (word.word === "ready") this.#events.onReady();
      else this.#events.onWord(word);
    });
    worker.on("error", ({ message }) => this.#events.onWord({ word: "failed", message }));
    worker.on("exit", () => {
      this.#members.delete(member);
      // Deno does not tell of every program that cannot be loaded.
      if (member.starting) this.#events.onWord({ word: "failed", message: NOT_STARTED });
      onEnded();
      ended.resolve();
    });
  }

  /**
   * Ends all Workers, whatever their threads do, after they were told to end by themselves. Those that
   * do leave nothing behind; of one that is terminated Deno keeps two descriptors, and of one that is
   * terminated while it starts, the thread. Only a system call is not broken off.
   */
  async endAll(): Promise<void> {
    while (this.#members.size > 0) {
      const patienceMs = this.starting ? STARTING_MS_MAX : ENDING_MS;
      const steps = this.#members.values().flatMap(({ starting, started, ended }) =>
        starting ? [started, ended] : [ended]
      );
      if (!await within(patienceMs, Promise.race(steps))) break;
    }
    await Promise.all(Array.from(this.#members, ({ worker }) => worker.terminate()));
    this.#members.clear();
  }
}

/** True if the promise settles in time. */
async function within(milliseconds: number, promise: Promise<void>): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), milliseconds);
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
