/**
 * How much CPU time processes have used.
 *
 * @module
 */

const SYMBOLS = {
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
} as const;

/** Linux's number for what the scheduler counts, in nanoseconds (`CPUCLOCK_SCHED`). */
const SCHEDULED = 2;

/** The kernel's number of a process's CPU clock. */
export function cpuClockOf(pid: number): number {
  return (~pid << 3) | SCHEDULED;
}

/** The clocks of this machine's processes (clock_getcpuclockid(3)), 0.3 µs for a reading. */
export class CpuClock implements Disposable {
  readonly #library: Deno.DynamicLibrary<typeof SYMBOLS>;
  readonly #time = new BigInt64Array(2);

  private constructor(library: Deno.DynamicLibrary<typeof SYMBOLS>) {
    this.#library = library;
  }

  /** `undefined` where there are none: not Linux, or no leave to call the C library. */
  static open(libc: string | undefined): CpuClock | undefined {
    if (libc === undefined) return undefined;
    try {
      const clock = new CpuClock(Deno.dlopen(libc, SYMBOLS));
      if (clock.usedMs(Deno.pid) !== undefined) return clock;
      clock[Symbol.dispose]();
      return undefined;
    } catch {
      return undefined;
    }
  }

  /** CPU time that all threads of a process have used, in ms. `undefined` once it is gone. */
  usedMs(pid: number): number | undefined {
    if (this.#library.symbols.clock_gettime(cpuClockOf(pid), this.#time) !== 0) return undefined;
    return Number(this.#time[0]) * 1_000 + Number(this.#time[1]) / 1e6;
  }

  /** Nothing can be read any more. */
  [Symbol.dispose](): void {
    this.#library.close();
  }
}
