import type { Outcome } from "./outcome.ts";

/** How a call into a library ended. */
export interface CallOutcome {
  /** How the function, or what ran before it, ended. */
  readonly outcome: Outcome;
  /** What the function returned, if it did. An `i64` is a bigint. */
  readonly results: readonly (number | bigint)[];
}

/** A guest that is linked and has not begun. */
export interface Guest {
  /**
   * Runs `_start` to its end; of a library (reactor), `_initialize`, and answers `exited` with 0. A
   * defect of the host is a rejection, never an outcome. Runs once.
   *
   * The guest blocks the thread that calls this, until it ends or, on the portable host, waits for the
   * network. A guest with threads leaves it free.
   */
  run(): Promise<Outcome>;
  /**
   * Initialises a library (reactor), calls one of its exported functions and tells what it returned.
   * Arguments are numbers as texts. Instead of {@linkcode run}, once; for a module that was prepared
   * with `library` or has `_initialize`.
   *
   * Throws `LinkError` for a function that is not exported or takes another number of arguments,
   * `OptionsError` for a text that is no such number.
   */
  call(name: string, args?: readonly string[]): Promise<CallOutcome>;
  /** Bytes of the guest's linear memory now; 0 if it ended before it had any. */
  readonly memoryBytes: number;
  /**
   * The last `memory.grow` was refused, by the limit or because the machine has no more. Known only of
   * modules that were compiled with `memoryBytesMax`, of nearly all of them; else false. With threads
   * it is told of the one that ended the guest, and false until then.
   */
  readonly growthRefused: boolean;
  /**
   * Closes what the guest has open, and ends one with threads: its run is rejected. Safe to call twice.
   */
  dispose(): void;
}
