import { TURN_MS_MAX } from "./limits.ts";

/** Lets the rest of the agent have its turn, every few milliseconds of work. */
export class Turns {
  readonly #signal: AbortSignal;
  #begunMs = performance.now();

  /** `signal` ends the work: {@linkcode Turns.next} then throws its reason. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** To be awaited between two small pieces of work. */
  async next(): Promise<void> {
    this.#signal.throwIfAborted();
    if (performance.now() - this.#begunMs < TURN_MS_MAX) return;
    // Only a timer reaches the event loop: what is promised for now runs before anybody else.
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#begunMs = performance.now();
    this.#signal.throwIfAborted();
  }
}
