import { LINGER_MS_MAX } from "../../limits.ts";

/** What must still be sent for sockets that are closed. */
export class Lingering {
  readonly #closings = new Set<Promise<void>>();
  #cut = new AbortController();

  /**
   * Closes what something is sent through as soon as all of it is sent, and at the latest after
   * {@linkcode LINGER_MS_MAX} milliseconds.
   */
  add(drained: Promise<void>, close: () => void): void {
    const { signal } = this.#cut;
    const closing = settled(drained, signal).then(() => {
      close();
      this.#closings.delete(closing);
    });
    this.#closings.add(closing);
  }

  /** Settles when nothing is left to be sent, or could not be. */
  async done(): Promise<void> {
    await Promise.all(this.#closings);
  }

  /** Closes everything now. */
  cut(): void {
    this.#cut.abort();
    this.#cut = new AbortController();
  }
}

/** Settles with the promise, or at the signal, or when the time is up. */
function settled(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, LINGER_MS_MAX);
    signal.addEventListener("abort", done);
    promise.then(done, done);
  });
}
