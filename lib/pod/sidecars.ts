/**
 * The order in which sidecars end: after all other containers, the last started first (KEP-753).
 *
 * @module
 */

/** One sidecar that was started. */
interface Sidecar {
  readonly name: string;
  readonly stop: AbortController;
  running: Promise<unknown>;
}

/** The sidecars of one pod, in the order of their starts. */
export class Sidecars {
  readonly #started: Sidecar[] = [];

  /** Notes one that is about to start; its runner heeds the answer in place of the pod's own stop. */
  add(name: string): { readonly stop: AbortSignal; running(runner: Promise<unknown>): void } {
    const sidecar: Sidecar = { name, stop: new AbortController(), running: Promise.resolve() };
    this.#started.push(sidecar);
    return {
      stop: sidecar.stop.signal,
      running: (runner) => {
        sidecar.running = runner;
      },
    };
  }

  /** True for a container that is one of them. */
  has(name: string): boolean {
    return this.#started.some((sidecar) => sidecar.name === name);
  }

  /** Ends one after the other; `onStop` hears of each before it is told. All others have ended. */
  async end(onStop: (name: string) => void): Promise<void> {
    for (let last = this.#started.pop(); last !== undefined; last = this.#started.pop()) {
      onStop(last.name);
      last.stop.abort();
      await last.running;
    }
  }
}
