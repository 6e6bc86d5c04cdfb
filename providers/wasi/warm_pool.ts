/** Something that takes a while to make and is used once. */
export interface Warm {
  /** Settles when it is gone, whoever ended it. Never rejects. */
  readonly ended: Promise<unknown>;
  /** Ends it and waits until it is gone. */
  end(): Promise<void>;
}

/** How many are kept, and how they are made. */
export interface WarmPoolOptions<T extends Warm> {
  /** `awaited` is true if somebody waits for it: whatever could be done in advance costs time now. */
  readonly boot: (signal: AbortSignal, awaited: boolean) => Promise<T>;
  /** Kept warm when nothing happens. 0 keeps none. */
  readonly size: number;
  /** Kept warm while a burst lasts; never below `size`. */
  readonly sizeMax: number;
  /** Boots at once: more than the machine has processors only makes each of them slower. */
  readonly bootsMax: number;
  /** Without a `take` for so long, a burst is over. */
  readonly idleMs: number;
  /** Wait after a failed boot or a death while warm; doubles up to `retryMsMax`. */
  readonly retryMs: number;
  readonly retryMsMax: number;
}

/** One that was taken, and how to tell that it is under way. */
export interface Taken<T> {
  readonly item: T;
  /** The one who took it has started, or given up: the pool may use the processors again. */
  readonly settled: () => void;
}

interface Waiter<T> {
  readonly give: (item: T) => void;
  readonly refuse: (error: unknown) => void;
}

/**
 * Keeps a few of something warm. One is taken at once, or made when there is none; the pool is
 * filled up again when nobody is starting, so that a refill does not compete with a start.
 */
export class WarmPool<T extends Warm> {
  readonly #options: WarmPoolOptions<T>;
  readonly #closing = new AbortController();
  readonly #warm = new Set<T>();
  readonly #waiters = new Set<Waiter<T>>();
  readonly #boots = new Set<Promise<void>>();
  #target: number;
  /** Taken and not settled yet. */
  #starting = 0;
  /** Failures in a row; while the retry timer runs nothing is made in advance. */
  #failures = 0;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: WarmPoolOptions<T>) {
    this.#options = options;
    this.#target = options.size;
    this.#pump();
  }

  /** How many wait to be taken. */
  get warm(): number {
    return this.#warm.size;
  }

  /** Takes one that is warm, or makes one. Rejects if that fails, or with the signal's reason. */
  async take(signal: AbortSignal): Promise<Taken<T>> {
    signal.throwIfAborted();
    this.#closing.signal.throwIfAborted();
    this.#watchIdle();
    this.#starting++;
    let unsettled = true;
    const settled = () => {
      if (unsettled) this.#starting--;
      unsettled = false;
      this.#pump();
    };
    try {
      const [first] = this.#warm;
      if (first === undefined) return { item: await this.#wait(signal), settled };
      this.#warm.delete(first);
      this.#failures = 0;
      return { item: first, settled };
    } catch (error) {
      settled();
      throw error;
    }
  }

  /** Ends all that are warm or being made. What was taken is its taker's. */
  async close(): Promise<void> {
    const reason = new Error("The pool is closed");
    this.#closing.abort(reason);
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#idleTimer);
    for (const waiter of this.#waiters) waiter.refuse(reason);
    await Promise.all([...this.#boots, ...[...this.#warm].map((item) => item.end())]);
  }

  async #wait(signal: AbortSignal): Promise<T> {
    // Nothing was warm: keep more of them for as long as this goes on.
    const { size, sizeMax } = this.#options;
    this.#target = Math.max(size, Math.min(sizeMax, this.#target + 1));
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const waiter = { give: resolve, refuse: reject };
    const onAbort = () => {
      this.#waiters.delete(waiter); // at once, or a boot that ends now would be given to nobody
      reject(signal.reason);
    };
    signal.addEventListener("abort", onAbort);
    this.#waiters.add(waiter);
    this.#pump();
    try {
      return await promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#waiters.delete(waiter);
    }
  }

  /** Starts as many boots as are wanted and allowed. */
  #pump(): void {
    if (this.#closing.signal.aborted) return;
    const waiting = this.#waiters.size;
    const resting = this.#starting > waiting || this.#retryTimer !== undefined;
    const spare = resting || waiting > 0 ? 0 : this.#target - this.#warm.size;
    const wanted = waiting + Math.max(0, spare);
    while (this.#boots.size < Math.min(wanted, this.#options.bootsMax)) {
      const boot: Promise<void> = this.#boot(this.#boots.size < waiting).finally(() => {
        this.#boots.delete(boot);
        this.#pump();
      });
      this.#boots.add(boot);
    }
  }

  async #boot(awaited: boolean): Promise<void> {
    let item: T;
    try {
      item = await this.#options.boot(this.#closing.signal, awaited);
    } catch (error) {
      this.#failed();
      const [waiter] = this.#waiters;
      if (waiter !== undefined) this.#release(waiter).refuse(error);
      return;
    }
    if (this.#closing.signal.aborted) return await item.end();
    const [waiter] = this.#waiters;
    if (waiter !== undefined) {
      this.#failures = 0;
      this.#release(waiter).give(item);
      return;
    }
    if (this.#warm.size >= this.#target) return await item.end(); // the burst ended meanwhile
    this.#warm.add(item);
    void item.ended.then(() => {
      if (this.#warm.delete(item) && !this.#closing.signal.aborted) this.#failed();
    });
  }

  #release(waiter: Waiter<T>): Waiter<T> {
    this.#waiters.delete(waiter);
    return waiter;
  }

  #failed(): void {
    if (this.#closing.signal.aborted) return;
    const { retryMs, retryMsMax } = this.#options;
    const waitMs = Math.min(retryMsMax, retryMs * 2 ** Math.min(this.#failures, 30));
    this.#failures++;
    if (this.#retryTimer !== undefined) return;
    this.#retryTimer = backgroundTimer(() => {
      this.#retryTimer = undefined;
      this.#pump();
    }, waitMs);
  }

  #watchIdle(): void {
    clearTimeout(this.#idleTimer);
    this.#idleTimer = backgroundTimer(() => {
      this.#target = this.#options.size;
      for (const item of [...this.#warm].slice(this.#target)) {
        this.#warm.delete(item);
        void item.end();
      }
    }, this.#options.idleMs);
  }
}

/** A timer that does not keep the agent alive. */
function backgroundTimer(run: () => void, ms: number): ReturnType<typeof setTimeout> {
  const timer = setTimeout(run, ms);
  Deno.unrefTimer(timer);
  return timer;
}
