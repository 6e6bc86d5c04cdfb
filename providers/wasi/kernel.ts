/** Linux's numbers of system calls that no function of every libc makes. */
const CALLS = {
  x86_64: {
    close: 3n,
    socket: 41n,
    getppid: 110n,
    setpriority: 141n,
    prctl: 157n,
    gettid: 186n,
    tgkill: 234n,
  },
  aarch64: {
    close: 57n,
    socket: 198n,
    getppid: 173n,
    setpriority: 140n,
    prctl: 167n,
    gettid: 178n,
    tgkill: 131n,
  },
} as const;

/** Deno compiles a trampoline for each symbol, 0.2 ms of every boot: as few as will do. */
const SYMBOLS = {
  syscall: { parameters: ["i64", "i64", "i64", "i64", "i64"], result: "i64" },
  signal: { parameters: ["i32", "u64"], result: "u64" },
  prlimit: { parameters: ["i32", "i32", "buffer", "buffer"], result: "i32" },
  clock: { parameters: [], result: "i64" },
} as const;

/** Linux `prctl` option of that name: a signal for this process when its parent's thread ends. */
const PR_SET_PDEATHSIG = 1n;
const SIGKILL = 9n;
/** `SIG_IGN` of signal(2). */
const IGNORE = 1n;
/** `PRIO_PROCESS` of setpriority(2), which means the calling thread. */
const PRIO_PROCESS = 0n;
/** prlimit(2) means the calling process. */
const THIS_PROCESS = 0;
const AF_UNIX = 1n;
/** `SOCK_STREAM | SOCK_CLOEXEC`. */
const STREAM = 0o2000001n;

/** What a guest process asks of Linux for itself, beside what the WASI host does for the guest. */
export class Kernel {
  readonly #functions: Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];
  readonly #calls = CALLS[Deno.build.arch];

  private constructor(functions: Deno.DynamicLibrary<typeof SYMBOLS>["symbols"]) {
    this.#functions = functions;
  }

  /** Opens the C library at this path; throws if the process may not. */
  static open(libc: string): Kernel {
    return new Kernel(Deno.dlopen(libc, SYMBOLS).symbols);
  }

  /** Leaves a signal without effect. */
  ignore(signal: number): void {
    this.#functions.signal(signal, IGNORE);
  }

  /** Ends this process with SIGKILL when its parent's thread ends; throws if that cannot be had. */
  dieWithParent(): void {
    const answer = this.#call(this.#calls.prctl, PR_SET_PDEATHSIG, SIGKILL);
    if (answer === 0) return;
    throw new Error("Cannot tie the guest process to the agent: prctl(PR_SET_PDEATHSIG) failed");
  }

  /** The process id of the parent. */
  parent(): number {
    return this.#call(this.#calls.getppid);
  }

  /** Lets the calling thread, and those that it starts, give way to others. False if refused. */
  beNice(niceness: number): boolean {
    return this.#call(this.#calls.setpriority, PRIO_PROCESS, 0n, BigInt(niceness)) === 0;
  }

  /** Sets one of this process's limits, for good. False if refused. */
  limit(resource: number, max: number): boolean {
    const value = BigInt(max);
    const limits = new BigUint64Array([value, value]);
    return this.#functions.prlimit(THIS_PROCESS, resource, limits, null) === 0;
  }

  /** The highest that one of this process's limits can be set to, if that can be known. */
  hardLimit(resource: number): number | undefined {
    const limits = new BigUint64Array(2);
    const known = this.#functions.prlimit(THIS_PROCESS, resource, null, limits) === 0;
    return known ? Number(limits[1]) : undefined;
  }

  /** A Unix socket that is not connected yet. Throws if there is none to be had. */
  unixSocket(): number {
    const socket = this.#call(this.#calls.socket, AF_UNIX, STREAM, 0n);
    if (socket >= 0) return socket;
    throw new Error("Cannot open a Unix socket: socket(AF_UNIX) failed");
  }

  /** Closes a descriptor. */
  close(descriptor: number): void {
    this.#call(this.#calls.close, BigInt(descriptor));
  }

  /** CPU time of this process, all its threads together, in nanoseconds (clock(3), which has microseconds). */
  cpuNanos(): number | undefined {
    const micros = Number(this.#functions.clock());
    return micros < 0 ? undefined : micros * 1_000;
  }

  /** Linux's number of the calling thread. */
  threadId(): number {
    return this.#call(this.#calls.gettid);
  }

  /** Sends a signal to a thread of this process; 0 sends none. False if the thread is gone. */
  signalThread(thread: number, signal: number): boolean {
    const ids = [BigInt(Deno.pid), BigInt(thread)] as const;
    return this.#call(this.#calls.tgkill, ...ids, BigInt(signal)) === 0;
  }

  #call(number: bigint, a = 0n, b = 0n, c = 0n): number {
    return Number(this.#functions.syscall(number, a, b, c, 0n));
  }
}
