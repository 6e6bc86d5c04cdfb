import type { CallOutcome, Guest } from "../guest/run.ts";
import type { Entry } from "../guest/link.ts";
import { PAGE_BYTES } from "../module/limits.ts";
import type { ImportedMemory } from "../module/memories.ts";
import { LinkError } from "../guest/link.ts";
import type { System } from "../host/host.ts";
import { THREADS_CEILING, THREADS_MAX } from "../limits.ts";
import { encodeArgs, encodeEnv, OptionsError, type WasiOptions } from "../options.ts";
import type { Outcome } from "../guest/outcome.ts";
import { QuestionLine } from "./questions.ts";
import { openService } from "./open_service.ts";
import type { Service } from "./service.ts";
import { ThreadLedger } from "./thread_ledger.ts";
import { WorkerPool } from "./worker_pool.ts";
import { turn } from "../guest/turn.ts";

/** What {@linkcode ThreadedGuest} is made of. */
export interface ThreadedModule {
  readonly module: WebAssembly.Module;
  readonly memory: ImportedMemory;
  readonly entry: Entry;
  readonly host: System;
}

export { importService } from "./open_service.ts";

/** Milliseconds without a Worker that takes a waiting thread, after which there are too few. */
const QUEUE_STANDS_MS = 1;

/** Milliseconds of work for threads after which the event loop has its turn. */
const SERVICE_MS_MAX = 2;

/**
 * A guest with threads (wasi-threads proposal). Each of them, the first too, runs in a Worker, with an
 * instance of its own on a memory that they share. The thread that calls `run` serves them: it starts
 * Workers, writes to the embedder's streams and asks its questions; its event loop stays free.
 *
 * When a thread leaves by `proc_exit` or traps, or the first one returns, all have ended. A thread in
 * a loop or an atomic wait is ended as well; one in a system call of the libc host stays until the
 * call returns or the process ends, so a guest with threads is best given a process of its own.
 */
export class ThreadedGuest implements Guest {
  readonly #parts: ThreadedModule;
  readonly #memory: WebAssembly.Memory;
  readonly #options: WasiOptions;
  readonly #ledger: ThreadLedger;
  readonly #service: Service;
  readonly #pool: WorkerPool;
  readonly #lines = new Set<QuestionLine>();
  readonly #ended = Promise.withResolvers<Outcome>();
  /** What the ledger said last of threads that Workers took, and since when it says so. */
  #taken = 0;
  #takenAtMs = 0;
  #look: ReturnType<typeof setTimeout> | undefined;
  #growthRefused = false;
  #begun = false;
  #running = false;
  #disposed = false;

  private constructor(
    parts: ThreadedModule,
    { options, threadsMax, memory, service }: {
      readonly options: WasiOptions;
      readonly threadsMax: number;
      readonly memory: WebAssembly.Memory;
      readonly service: Service;
    },
  ) {
    this.#parts = parts;
    this.#options = options;
    this.#ledger = new ThreadLedger({ threadsMax });
    this.#memory = memory;
    this.#service = service;
    this.#ended.promise.catch(() => {}); // it is of interest to run alone
    this.#pool = new WorkerPool({
      onReady: () => this.#ledger.ring(),
      onWord: (word) => {
        if (word.word === "ended") {
          this.#growthRefused = word.growthRefused;
          this.#ended.resolve(word.outcome);
        } else this.#ended.reject(new Error(`Cannot run guest thread: ${word.message}`));
      },
    });
  }

  /**
   * Opens what the guest finds open; nothing of it has run. Rejects with `LinkError` for a memory that
   * cannot be had, `OptionsError` for options that cannot be.
   */
  static async open(parts: ThreadedModule, options: WasiOptions): Promise<ThreadedGuest> {
    const threadsMax = threadsMaxOf(options);
    const memory = createMemory(parts.memory);
    const service = await openService(options, { host: parts.host, memory });
    return new ThreadedGuest(parts, { options, threadsMax, memory, service });
  }

  async run(): Promise<Outcome> {
    if (this.#begun) throw new Error("Cannot run guest: it has run before, or is disposed of");
    this.#begun = this.#running = true;
    let outcome: Outcome;
    const serving = this.#serve();
    serving.catch((error) => this.#ended.reject(error));
    try {
      this.#startWorker(this.#parts.entry);
      outcome = await this.#ended.promise;
      this.#service.flush();
    } finally {
      this.#ledger.end();
      this.#ledger.ring();
      clearTimeout(this.#look);
      this.#service.close();
      this.#ledger.settle();
      await this.#pool.endAll();
      await serving.catch(() => {}); // it was told above
      this.#running = false;
      if (this.#disposed) this.#service.dispose();
    }
    await this.#service.finish();
    return outcome;
  }

  call(name: string): Promise<CallOutcome> {
    const message = `Cannot call "${name}": a module with threads can only be run`;
    return Promise.reject(new LinkError(message));
  }

  get memoryBytes(): number {
    return this.#memory.buffer.byteLength;
  }

  get growthRefused(): boolean {
    return this.#growthRefused;
  }

  dispose(): void {
    this.#disposed = true;
    this.#ended.reject(new Error("Cannot go on running guest: it was disposed of"));
    if (!this.#running) this.#service.dispose(); // else when its threads are gone
    this.#begun = true;
  }

  #startWorker(entry?: Entry): void {
    const line = new QuestionLine();
    this.#lines.add(line);
    this.#pool.start({
      module: this.#parts.module,
      memory: this.#memory,
      memoryImport: { module: this.#parts.memory.module, name: this.#parts.memory.name },
      args: encodeArgs(this.#options.args ?? []),
      env: encodeEnv(this.#options.env ?? {}),
      ledger: this.#ledger.buffer,
      line: line.buffer,
      system: this.#service.setup,
      ...(entry === undefined ? {} : { entry }),
    }, () => {
      this.#lines.delete(line);
      this.#service.forget(line);
    });
  }

  /** Does what threads ask for, as long as there are any. */
  async #serve(): Promise<void> {
    let since = performance.now();
    while (!this.#ledger.ended) {
      const rung = this.#ledger.rung;
      this.#service.flush();
      for (const line of this.#lines) this.#hear(line);
      this.#grow();
      const already = await this.#ledger.untilRung(rung);
      const busy = already && performance.now() - since < SERVICE_MS_MAX;
      if (busy) continue;
      if (already) await turn();
      since = performance.now();
    }
  }

  /**
   * Starts a Worker if threads wait and none of those that are there takes them. One at a time: it
   * takes this thread some milliseconds.
   */
  #grow(): void {
    if (this.#pool.starting || this.#ledger.unattended <= 0) return;
    const { taken } = this.#ledger;
    const now = performance.now();
    if (taken !== this.#taken) [this.#taken, this.#takenAtMs] = [taken, now];
    if (now - this.#takenAtMs >= QUEUE_STANDS_MS) this.#startWorker();
    else this.#look ??= setTimeout(() => this.#lookAgain(), QUEUE_STANDS_MS);
  }

  #lookAgain(): void {
    this.#look = undefined;
    this.#ledger.ring();
  }

  #hear(line: QuestionLine): void {
    const question = line.hear();
    if (question === undefined) return;
    const reply = this.#service.answer(line, question);
    if (!(reply instanceof Promise)) return line.answer(reply);
    reply.then((reply) => line.answer(reply), (error) => this.#ended.reject(error));
  }
}

function threadsMaxOf({ threadsMax = THREADS_MAX }: WasiOptions): number {
  if (Number.isInteger(threadsMax) && threadsMax >= 1 && threadsMax <= THREADS_CEILING) {
    return threadsMax;
  }
  throw new OptionsError(
    `Cannot allow ${threadsMax} threads: it must be a whole number from 1 to ${THREADS_CEILING}`,
  );
}

function createMemory({ minimumPages, maximumPages }: ImportedMemory): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: minimumPages, maximum: maximumPages, shared: true });
  } catch (error) {
    const state = error instanceof Error ? error.message : String(error);
    throw new LinkError(
      `Cannot create the shared memory of ${maximumPages * PAGE_BYTES} bytes: ${state}`,
    );
  }
}
