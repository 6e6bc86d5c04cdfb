/**
 * Who keeps containers within their CPU limits, and whom it holds.
 *
 * @module
 */

/** What a container may have. Absent is no bound. */
export interface GuestBounds {
  /** Thousandths of a CPU, for all processes of the container together. */
  readonly cpuMillis?: number;
  /** Memory of this one process in all, beside what the process and its module bound by themselves. */
  readonly memoryBytes?: number;
}

/** A guest process that can be held up. */
export interface BoundProcess {
  readonly pid: number;
  /** Stops it where it is; nothing happens if it is gone. */
  pause(): void;
  /** Lets it go on. */
  resume(): void;
}

/** Keeps containers within their CPU limits. */
export interface CpuKeeper {
  /** How, in words for people. */
  readonly how: string;
  /**
   * Takes a process of a container under its limits, until that is disposed of: then it is gone. The first process of a
   * container says what the limit of CPU is; memory is bounded for all of them together.
   */
  hold(id: string, process: BoundProcess, bounds: GuestBounds): Promise<AsyncDisposable>;
  /** Gives a container another limit, at once. False if it has no process. */
  change(id: string, cpuMillis: number | undefined): boolean;
  /** Gives back what it has of the machine. Nobody is held any more. */
  close(): void;
}
