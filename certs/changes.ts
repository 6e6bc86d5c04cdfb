/**
 * Waiting for a request to change: by its watch if there is one, and by the clock anyway.
 *
 * @module
 */
import type { Clock } from "./clock.ts";
import type { CertificateRequests } from "./csr_request.ts";

/** Waits between two looks at a request. Dispose it to end its watch. */
export class Changes implements Disposable {
  readonly #requests: CertificateRequests;
  readonly #clock: Clock;
  #watched: { readonly name: string; readonly abort: AbortController } | undefined;
  #ring = Promise.withResolvers<void>();

  constructor(requests: CertificateRequests, clock: Clock) {
    this.#requests = requests;
    this.#clock = clock;
  }

  /**
   * Resolves when the request of that name may have changed, after `ms`, or on the signal; never
   * sooner than {@linkcode LOOK_PAUSE_MS}, so that a watch that chatters costs little.
   */
  async wait(name: string, ms: number, signal: AbortSignal): Promise<void> {
    this.#watch(name);
    await this.#clock.sleep(Math.min(LOOK_PAUSE_MS, ms), signal);
    if (ms <= LOOK_PAUSE_MS) return;
    const either = new AbortController();
    await Promise.race([
      this.#ring.promise,
      this.#clock.sleep(ms - LOOK_PAUSE_MS, AbortSignal.any([signal, either.signal])),
    ]);
    either.abort();
    this.#ring = Promise.withResolvers<void>();
  }

  [Symbol.dispose](): void {
    this.#watched?.abort.abort();
    this.#watched = undefined;
  }

  #watch(name: string): void {
    if (this.#requests.watch === undefined || this.#watched?.name === name) return;
    this.#watched?.abort.abort();
    const watched = { name, abort: new AbortController() };
    this.#watched = watched;
    void this.#listen(watched);
  }

  async #listen(watched: { name: string; abort: AbortController }): Promise<void> {
    try {
      for await (const _ of this.#requests.watch!(watched.name, watched.abort.signal)) {
        if (watched.abort.signal.aborted) break;
        this.#ring.resolve();
      }
    } catch {
      // A broken watch makes the wait longer, never wrong: the clock goes on.
    }
    if (this.#watched === watched) this.#watched = undefined; // the next wait opens another
  }
}

/** The shortest time between two looks at a request. */
export const LOOK_PAUSE_MS = 200;
