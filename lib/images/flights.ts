/**
 * One flight per key: work that several callers want at once is done once.
 *
 * @module
 */

interface Flight<T> {
  readonly result: Promise<T>;
  readonly stop: AbortController;
  waiting: number;
}

/** Joins equal work. The work is stopped only when nobody waits for it any more. */
export class Flights<T> {
  readonly #flights = new Map<string, Flight<T>>();
  /** Also those that nobody may join any more. */
  readonly #running = new Set<Flight<T>>();

  /**
   * The result of the work under `key`, started by `start` unless it is under way.
   *
   * Rejects with the signal's reason as soon as this caller's signal is aborted; the others go on.
   */
  async join(
    key: string,
    signal: AbortSignal,
    start: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted();
    const flight = this.#flights.get(key) ?? this.#begin(key, start);
    flight.waiting++;
    const left = Promise.withResolvers<never>();
    const leave = (): void => left.reject(signal.reason);
    signal.addEventListener("abort", leave, { once: true });
    try {
      return await Promise.race([flight.result, left.promise]);
    } finally {
      signal.removeEventListener("abort", leave);
      if (--flight.waiting === 0) {
        // Nobody new may board a flight that is about to be stopped.
        if (this.#flights.get(key) === flight) this.#flights.delete(key);
        flight.stop.abort(signal.reason);
      }
    }
  }

  /** Stops all work that is under way and waits until it has ended. */
  async stop(reason: unknown): Promise<void> {
    const flights = [...this.#running];
    for (const flight of flights) flight.stop.abort(reason);
    await Promise.allSettled(flights.map((flight) => flight.result));
  }

  #begin(key: string, start: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const stop = new AbortController();
    const flight: Flight<T> = { result: start(stop.signal), stop, waiting: 0 };
    this.#flights.set(key, flight);
    this.#running.add(flight);
    const end = (): void => {
      this.#running.delete(flight);
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    };
    flight.result.then(end, end);
    return flight;
  }
}
