/**
 * Wakes the agent when another process has computed for so long, so that nobody needs to look at those that sleep.
 *
 * @module
 */

/** Linux's numbers of system calls: timer_create(2), timer_settime(2), timer_delete(2). */
const CALLS = {
  x86_64: { create: 222n, set: 223n, delete: 226n },
  aarch64: { create: 107n, set: 110n, delete: 111n },
} as const;

const SYMBOLS = {
  syscall: { parameters: ["i64", "i64", "i64", "buffer", "buffer"], result: "i64" },
} as const;

/** The signal of virtual timers, which nothing else in this program uses. */
const SIGNAL = { name: "SIGVTALRM", number: 26 } as const;
/** `sizeof(struct sigevent)`, and where its signal and its way to notify are; `SIGEV_SIGNAL` is 0. */
const SIGEVENT = { bytes: 64, signalAt: 8 } as const;

/** An alarm of one process. */
export interface CpuAlarm extends Disposable {
  /** Rings once when the process has used so much more CPU time, in ms. 0 calls it off. False if it cannot. */
  set(afterMs: number): boolean;
}

/** Alarms of the kernel on the CPU clocks of other processes (timer_create(2)). A process that is gone never rings. */
export class CpuAlarms implements Disposable {
  readonly #library: Deno.DynamicLibrary<typeof SYMBOLS>;
  readonly #onRing: () => void;

  private constructor(library: Deno.DynamicLibrary<typeof SYMBOLS>, onRing: () => void) {
    this.#library = library;
    this.#onRing = onRing;
    // Before there is an alarm: nobody survives this signal who does not listen.
    Deno.addSignalListener(SIGNAL.name, onRing);
  }

  /**
   * `onRing` hears that some alarm has rung; several together may ring once. `undefined` where there are none:
   * not Linux, or no leave to call the C library.
   */
  static open(libc: string | undefined, onRing: () => void): CpuAlarms | undefined {
    if (libc === undefined) return undefined;
    try {
      return new CpuAlarms(Deno.dlopen(libc, SYMBOLS), onRing);
    } catch {
      return undefined;
    }
  }

  /** An alarm for the process with this clock; `undefined` if it is gone, or the kernel has no more. */
  for(clock: number): CpuAlarm | undefined {
    const { syscall } = this.#library.symbols;
    const calls = CALLS[Deno.build.arch];
    const event = new DataView(new ArrayBuffer(SIGEVENT.bytes));
    event.setInt32(SIGEVENT.signalAt, SIGNAL.number, true);
    const made = new Int32Array(1);
    const [eventBytes, madeBytes] = [new Uint8Array(event.buffer), new Uint8Array(made.buffer)];
    if (createTimer() !== 0n) return undefined;
    const id = BigInt(made[0]!);
    return {
      set(afterMs): boolean {
        const nanos = BigInt(Math.round(afterMs * 1e6));
        const times = new BigInt64Array([0n, 0n, nanos / 1_000_000_000n, nanos % 1_000_000_000n]);
        return syscall(calls.set, id, 0n, new Uint8Array(times.buffer), null) === 0n;
      },
      [Symbol.dispose](): void {
        syscall(calls.delete, id, 0n, null, null);
      },
    };

    function createTimer(): bigint {
      // The second of three arguments is a pointer: it goes where the wrapper takes numbers.
      const address = Deno.UnsafePointer.value(Deno.UnsafePointer.of(eventBytes));
      return syscall(calls.create, BigInt(clock), address, madeBytes, null);
    }
  }

  /** No alarm is left. */
  [Symbol.dispose](): void {
    Deno.removeSignalListener(SIGNAL.name, this.#onRing);
    this.#library.close();
  }
}
