import { SHARED_GUESTS_MAX, SHARED_IDLE_MS, SHARED_USES_MAX } from "./limits.ts";

/** A process that many can use. */
export interface Shareable {
  /** Settles when it is gone, whoever ended it. Never rejects. */
  readonly ended: Promise<unknown>;
  /** Ends it and waits until it is gone. */
  end(): Promise<void>;
}

/** How processes are made, and for how long they are kept; the rest is for tests. */
export interface SharedProcessesOptions<T> {
  readonly boot: (signal: AbortSignal) => Promise<T>;
  /** Users of one process. @default {SHARED_GUESTS_MAX} */
  readonly usersMax?: number;
  /** Users of one process, one after the other; then another one is booted. @default {SHARED_USES_MAX} */
  readonly usesMax?: number;
  /** A process without a user ends after so long. @default {SHARED_IDLE_MS} */
  readonly idleMs?: number;
}

/** Who uses a process. */
export interface Use<T, R> {
  /** Aborted when the process is not wanted any more; ignored once `use` was called. */
  readonly signal: AbortSignal;
  readonly use: (process: T) => Promise<R>;
}

interface Entry<T> {
  readonly key: string;
  readonly process: Promise<T>;
  users: number;
  uses: number;
  idleTimer: ReturnType<typeof setTimeout> | undefined;
}

/**
 * Processes by what may share them. One is booted for its first user, and ended some time after the
 * last, or when it has had enough of them.
 */
export class SharedProcesses<T extends Shareable> {
  readonly #options: SharedProcessesOptions<T>;
  readonly #entries = new Set<Entry<T>>();
  readonly #closing = new AbortController();

  constructor(options: SharedProcessesOptions<T>) {
    this.#options = options;
  }

  /** How many there are, also those that boot. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * Uses a process of this key until `use` settles. Rejects if there is none and it cannot boot, or,
   * while one boots, with the signal's reason.
   */
  async use<R>(key: string, { signal, use }: Use<T, R>): Promise<R> {
    this.#closing.signal.throwIfAborted();
    signal.throwIfAborted();
    const entry = this.#find(key) ?? this.#open(key);
    entry.users++;
    entry.uses++;
    clearTimeout(entry.idleTimer);
    try {
      return await use(await unlessAborted(entry.process, signal));
    } finally {
      entry.users--;
      if (entry.users === 0) this.#rest(entry);
    }
  }

  /** Ends all. Nobody uses one any more. */
  async close(): Promise<void> {
    this.#closing.abort(new Error("The provider is closed"));
    await Promise.all([...this.#entries].map((entry) => this.#end(entry)));
  }

  #find(key: string): Entry<T> | undefined {
    const { usersMax = SHARED_GUESTS_MAX, usesMax = SHARED_USES_MAX } = this.#options;
    return [...this.#entries].find((entry) =>
      entry.key === key && entry.users < usersMax && entry.uses < usesMax
    );
  }

  #open(key: string): Entry<T> {
    const process = this.#options.boot(this.#closing.signal);
    const entry: Entry<T> = { key, process, users: 0, uses: 0, idleTimer: undefined };
    this.#entries.add(entry);
    const forget = () => {
      clearTimeout(entry.idleTimer);
      this.#entries.delete(entry);
    };
    // What has died, or never lived, is used by nobody new.
    process.then(({ ended }) => ended.then(forget), forget);
    return entry;
  }

  #rest(entry: Entry<T>): void {
    if (this.#closing.signal.aborted || !this.#entries.has(entry)) return;
    if (entry.uses >= (this.#options.usesMax ?? SHARED_USES_MAX)) return void this.#end(entry);
    entry.idleTimer = setTimeout(() => {
      void this.#end(entry);
    }, this.#options.idleMs ?? SHARED_IDLE_MS);
    Deno.unrefTimer(entry.idleTimer);
  }

  async #end(entry: Entry<T>): Promise<void> {
    clearTimeout(entry.idleTimer);
    this.#entries.delete(entry);
    await entry.process.then((process) => process.end(), () => {});
  }
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", onAbort);
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
