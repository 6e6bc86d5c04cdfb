import type { Worker } from "node:worker_threads";
import { type DescriptorShare, OwnedDescriptors, type SharedOwned } from "../../wasi/mod.ts";
import { WORKER_END_MS_MAX } from "./limits.ts";
import type { Order, RunEnd } from "./protocol.ts";
import type { Reaper } from "./reaper.ts";

/** What a Worker is born with. */
export interface WorkerStart {
  readonly libc: string;
  /** Where it keeps account of what it opens for its guest. */
  readonly owned: SharedOwned;
}

/** What a Worker is booted with. */
export interface SharedWorkerOptions {
  readonly libc: string;
  /** The descriptors that its guest may have. */
  readonly share: DescriptorShare;
  readonly reaper: Reaper;
}

/** What a Worker is told, once. */
export type ToWorker =
  | { readonly do: "run"; readonly order: Order; readonly module?: WebAssembly.Module }
  /** Loops for ever: the test whether it can be ended. */
  | { readonly do: "spin" };

/** What a Worker says. */
export type FromWorker =
  | { readonly say: "up"; readonly thread: number }
  | { readonly say: "compiled"; readonly module: WebAssembly.Module }
  | { readonly say: "started" }
  | { readonly say: "declined" }
  | { readonly say: "exit"; readonly end: RunEnd };

/** A Worker of the shared process, booted, given one order, and seen to its true end. */
export class SharedWorker {
  /** Hears what the Worker says, and `undefined` if it failed. */
  onMessage: (message: FromWorker | undefined) => void = () => {};
  readonly #worker: Worker;
  readonly #owned: OwnedDescriptors;
  readonly #reaper: Reaper;
  #thread: number | undefined;

  private constructor(worker: Worker, owned: OwnedDescriptors, reaper: Reaper) {
    this.#worker = worker;
    this.#owned = owned;
    this.#reaper = reaper;
    worker.on("message", (message: FromWorker) => this.onMessage(message));
    worker.on("error", () => this.onMessage(undefined));
    worker.on("exit", () => this.onMessage(undefined));
  }

  /** Boots a Worker. This thread waits for a part of that: 25 ms. */
  static async boot({ libc, share, reaper }: SharedWorkerOptions): Promise<SharedWorker> {
    // Not imported: in a bundle, every process of a guest alone would load it, 1.3 MiB of it.
    const { Worker } = globalThis.process.getBuiltinModule("node:worker_threads");
    const url = new URL("./shared_guest_worker.ts", import.meta.url);
    const owned = OwnedDescriptors.none(share);
    const workerData: WorkerStart = { libc, owned: owned.shared };
    const worker = new SharedWorker(new Worker(url, { workerData }), owned, reaper);
    const first = await new Promise<FromWorker | undefined>((resolve) => {
      worker.onMessage = resolve;
    });
    if (first?.say !== "up") throw new Error("Cannot boot a Worker: it failed before it was up");
    worker.#thread = first.thread;
    return worker;
  }

  /** The system's number of its thread, where that is known. */
  get place(): { readonly thread?: number } {
    return this.#thread === undefined ? {} : { thread: this.#thread };
  }

  /** Tells the Worker what to do. */
  tell(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  /**
   * Ends the Worker, whatever it does, and settles when its thread is gone and what it had opened is closed.
   * False if the thread is still there after {@linkcode WORKER_END_MS_MAX}.
   */
  async end(): Promise<boolean> {
    this.onMessage = () => {};
    await this.#worker.terminate();
    return this.#thread === undefined ||
      await this.#reaper.reap(this.#thread, this.#owned, WORKER_END_MS_MAX);
  }
}
