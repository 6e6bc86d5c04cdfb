import type { RunUsage } from "../../lib/mod.ts";
import type { GuestControl } from "./guest_process.ts";
import { cpuNanosOf, memoryOf } from "./process_usage.ts";

const NANOS_PER_MS = 1_000_000;
const CPUS = Math.max(1, navigator.hardwareConcurrency);
/** What a process may have used before its program was begun. */
const BOOT_NANOS_MAX = 1_000 * NANOS_PER_MS;

/** A process that several runs share. */
export interface SharedHost {
  readonly pid: number;
  /** How many are in it now. */
  readonly guests: number;
}

/** Measures what each run takes: its process or thread, and the programs beside it. */
export class RunMeters {
  readonly #runs = new Map<string, RunMeter>();

  /** How many runs there are. */
  get size(): number {
    return this.#runs.size;
  }

  /** True for a run that has a process of its own. */
  isAlone(id: string): boolean {
    return this.#runs.get(id)?.main instanceof ProcessPart;
  }

  /** A run that has a process of its own, until it is disposed of. */
  own(id: string, pid: number): Disposable {
    return this.#begin(id, new ProcessPart(pid));
  }

  /** A run that shares a process, until it is disposed of. `watch` it, to learn of its thread. */
  within(id: string, host: SharedHost): Disposable & { watch(guest: GuestControl): GuestControl } {
    const part = new ThreadPart(host);
    const run = this.#begin(id, part);
    const watch = (guest: GuestControl): GuestControl => ({
      ...guest,
      onThread: (thread): void => {
        part.thread = thread;
      },
    });
    return { [Symbol.dispose]: () => run[Symbol.dispose](), watch };
  }

  /** A program beside a run, until it is disposed of. What it says of itself at its end is checked. */
  beside(id: string, pid: number): Disposable & { ended(saidNanos: number | undefined): void } {
    const part = new ProcessPart(pid);
    const beganMs = performance.now();
    const run = this.#runs.get(id);
    run?.parts.add(part);
    return {
      ended: (saidNanos = 0) => {
        const most = (performance.now() - beganMs) * NANOS_PER_MS * CPUS + BOOT_NANOS_MAX;
        part.cpuNanos = Math.max(part.cpuNanos, Math.min(saidNanos, Math.round(most)));
      },
      [Symbol.dispose]: () => {
        if (run?.parts.delete(part)) run.pastNanos += part.cpuNanos;
      },
    };
  }

  /** What the run takes now; `undefined` if there is none, or nobody can tell anything of it. */
  async read(id: string): Promise<RunUsage | undefined> {
    const run = this.#runs.get(id);
    if (run === undefined) return undefined;
    const found = await Promise.all([...run.parts].map((part) => part.read()));
    const known = found.filter((reading) => reading !== undefined);
    if (known.length === 0) return undefined;
    const sum = (of: (reading: Reading) => number): number =>
      known.reduce((total, reading) => total + of(reading), 0);
    // Those that ended while the others were read are in the past, with what they had at last.
    const nowNanos = run.pastNanos + [...run.parts].reduce((all, part) => all + part.cpuNanos, 0);
    run.shownNanos = Math.max(run.shownNanos, nowNanos);
    return {
      cpuNanos: run.shownNanos,
      memoryBytes: sum(({ ownBytes }) => ownBytes),
      residentBytes: sum(({ residentBytes }) => residentBytes),
      processes: known.filter(({ whole }) => whole).length,
      threads: sum(({ threads }) => threads),
    };
  }

  #begin(id: string, part: Part): Disposable {
    const run: RunMeter = { main: part, parts: new Set([part]), pastNanos: 0, shownNanos: 0 };
    this.#runs.set(id, run);
    return {
      [Symbol.dispose]: () => {
        if (this.#runs.get(id) === run) this.#runs.delete(id);
      },
    };
  }
}

interface RunMeter {
  /** The container itself. */
  readonly main: Part;
  readonly parts: Set<Part>;
  /** CPU time of programs that have ended. */
  pastNanos: number;
  /** What was told last. */
  shownNanos: number;
}

interface Reading {
  readonly ownBytes: number;
  readonly residentBytes: number;
  readonly threads: number;
  /** It is a process, and not a part of one. */
  readonly whole: boolean;
}

interface Part {
  /** CPU time when it was read last. */
  readonly cpuNanos: number;
  /** Looks at it; `undefined` if it is gone. */
  read(): Promise<Reading | undefined>;
}

class ProcessPart implements Part {
  readonly #pid: number;
  cpuNanos = 0;

  constructor(pid: number) {
    this.#pid = pid;
  }

  async read(): Promise<Reading | undefined> {
    const [cpuNanos, memory] = await Promise.all([cpuNanosOf(this.#pid), memoryOf(this.#pid)]);
    this.cpuNanos = Math.max(this.cpuNanos, cpuNanos ?? 0);
    return memory === undefined ? undefined : { ...memory, whole: true };
  }
}

/** A part of a process: its thread's CPU time, and an equal share of the memory. */
class ThreadPart implements Part {
  readonly #host: SharedHost;
  /** Known once its guest has begun. */
  thread: number | undefined;
  cpuNanos = 0;

  constructor(host: SharedHost) {
    this.#host = host;
  }

  async read(): Promise<Reading | undefined> {
    const { pid, guests } = this.#host;
    const { thread } = this;
    const [cpuNanos, memory] = await Promise.all([
      thread === undefined ? undefined : cpuNanosOf(pid, thread),
      memoryOf(pid),
    ]);
    this.cpuNanos = Math.max(this.cpuNanos, cpuNanos ?? 0);
    if (memory === undefined) return undefined;
    const share = (bytes: number): number => Math.round(bytes / Math.max(1, guests));
    return {
      ownBytes: share(memory.ownBytes),
      residentBytes: share(memory.residentBytes),
      threads: 1,
      whole: false,
    };
  }
}
