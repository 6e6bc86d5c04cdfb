/**
 * KiB of stack for the guest. V8's own is half of what other runtimes give, and programs made for
 * those fail with it. The main thread has 8 MiB on Linux and macOS and 4 MiB in Deno on Windows.
 */
const STACK_KIB = { windows: 2800, others: 6000 };

/**
 * KiB of stack for a guest in a Worker, whose thread has 4 MiB in Deno. With more than fits, a guest that
 * overflows its stack ends the whole process.
 */
const WORKER_STACK_KIB = { windows: 2800, others: 3500 };

/** What a process is started for. */
export interface GuestProcess {
  /** The operating system: the size of its stacks differs. */
  readonly os: typeof Deno.build.os;
  /**
   * Its guests run in Workers, not on the main thread.
   *
   * @default {false}
   */
  readonly inWorkers?: boolean;
}

/**
 * The flags of V8 that a process needs for guests: they can only be given when it starts
 * (`--v8-flags` or `DENO_V8_FLAGS`, joined by commas; `node:v8` cannot set them later).
 *
 * The second makes V8 read the advice that `compile` writes into modules; without it they run as
 * well, but the loop of a `main` about three times slower. The third is for `collectGarbage`; guests do
 * not see it. Measured and left as they are: the budget for
 * optimising (a lower one costs more than it gives), eager compilation (start 3 to 15 times slower),
 * `--no-liftoff` (start of Go programs 6 to 18 times slower), the limits of inlining (no difference).
 */
export function guestV8Flags({ os, inWorkers = false }: GuestProcess): string[] {
  const kib = inWorkers ? WORKER_STACK_KIB : STACK_KIB;
  return [
    `--stack-size=${os === "windows" ? kib.windows : kib.others}`,
    "--experimental-wasm-compilation-hints",
    "--expose-gc",
  ];
}
