/**
 * Sees that the threads of Workers really end.
 *
 * @module
 */
import type { OwnedDescriptors } from "../../wasi/mod.ts";
import type { Kernel } from "./kernel.ts";
import { WORKER_SIGNAL_MS } from "./limits.ts";

const SYMBOLS = {
  sigaction: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  dlsym: { parameters: ["usize", "buffer"], result: "usize" },
} as const;

/** A function of libc that does nothing with a number, for a handler. */
const HARMLESS = new TextEncoder().encode("abs\0");
/** A real-time signal that neither the C library nor V8 uses. */
const SIGNAL = 50;
/** `sizeof(struct sigaction)` of glibc and musl on 64-bit Linux: handler, mask, flags, restorer. */
const SIGACTION_BYTES = 152;
/** SIGABRT: ends the process without anybody asking what ended it. */
const ABORT = 6;

/** One process has one. */
export class Reaper {
  readonly #kernel: Kernel;

  private constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Makes the signal that wakes blocked threads harmless for everybody else. */
  static open(kernel: Kernel, libc: string): Reaper {
    const functions = Deno.dlopen(libc, SYMBOLS).symbols;
    // No SA_RESTART: a call that blocks is to come back with EINTR, to a thread that then finds
    // itself terminated.
    const action = new DataView(new ArrayBuffer(SIGACTION_BYTES));
    action.setBigUint64(0, functions.dlsym(0n, HARMLESS), true);
    if (functions.sigaction(SIGNAL, new Uint8Array(action.buffer), 0n) !== 0) {
      throw new Error("Cannot wake blocked threads: sigaction failed");
    }
    return new Reaper(kernel);
  }

  /** True while there is a thread of this number in this process. */
  isAlive(thread: number): boolean {
    return this.#kernel.signalThread(thread, 0);
  }

  /** Ends this process at once, with all its threads. */
  endProcess(): void {
    this.#kernel.signalThread(Deno.pid, ABORT);
  }

  /**
   * Wakes a terminated thread out of whatever call it is in, again and again until it is gone, and closes
   * what it left open. Answers false if it still is there after `msMax`.
   */
  async reap(thread: number, owned: OwnedDescriptors, msMax: number): Promise<boolean> {
    const endMs = performance.now() + msMax;
    while (this.#kernel.signalThread(thread, SIGNAL)) {
      if (performance.now() > endMs) return false;
      await new Promise((resolve) => setTimeout(resolve, WORKER_SIGNAL_MS));
    }
    // Nobody opens or closes these any more.
    for (const descriptor of owned) this.#kernel.close(descriptor);
    return true;
  }
}
