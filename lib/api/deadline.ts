/**
 * A signal that fires when the caller's does, or when time is up, and leaves nothing behind.
 *
 * `AbortSignal.any` with `AbortSignal.timeout` keeps its timer until it fires; a client makes
 * thousands of requests with one long-lived parent signal, so this one cleans up at once.
 *
 * @module
 */

/** Joins a time-out with the caller's signal until it is disposed. */
export class Deadline implements Disposable {
  readonly #controller = new AbortController();
  readonly #parent: AbortSignal | undefined;
  readonly #onParentAbort: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #expired = false;

  /** Runs without a time limit until {@linkcode restart} is called. */
  constructor(parent?: AbortSignal) {
    this.#parent = parent;
    this.#onParentAbort = (): void => this.#controller.abort(parent?.reason);
    if (parent?.aborted) this.#onParentAbort();
    else parent?.addEventListener("abort", this.#onParentAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** True if time was up before anything else happened. */
  get expired(): boolean {
    return this.#expired;
  }

  /** Starts the time again: the signal fires `timeoutMs` from now. */
  restart(timeoutMs: number): void {
    this.stop();
    this.#timer = setTimeout(() => {
      if (this.#controller.signal.aborted) return;
      this.#expired = true;
      this.#controller.abort(new DOMException(`No answer within ${timeoutMs} ms`, "TimeoutError"));
    }, timeoutMs);
  }

  /** Takes the time limit off; the parent's signal still counts. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Fires the signal now. */
  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  [Symbol.dispose](): void {
    this.stop();
    this.#parent?.removeEventListener("abort", this.#onParentAbort);
  }
}

/** Waits so long, or rejects with the signal's reason as soon as it fires. */
export function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** The promise's value; rejects as soon as the signal fires, for work that goes on without us. */
export function untilAborted<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
