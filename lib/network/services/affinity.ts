/**
 * Which endpoint a client was led to, so that it comes back to it.
 *
 * @module
 */
import type { Endpoint } from "../../guest_network.ts";

/** Clients and Services that are remembered; whoever came least recently is forgotten first. */
export const AFFINITIES_MAX = 10_000;

/** Where a client was led, and how long that counts. */
export interface Visit {
  readonly endpoint: Endpoint;
  readonly untilMs: number;
}

/** Remembers for a time that begins anew with each visit. */
export class Affinities {
  /** The least recent first. */
  readonly #visits = new Map<string, Visit>();
  readonly #max: number;

  constructor({ max = AFFINITIES_MAX }: { readonly max?: number } = {}) {
    this.#max = max;
  }

  /** How many are remembered. */
  get size(): number {
    return this.#visits.size;
  }

  /** Where the client was last; nothing if that is too long ago. */
  last(client: string, nowMs: number): Endpoint | undefined {
    const visit = this.#visits.get(client);
    if (visit === undefined || nowMs < visit.untilMs) return visit?.endpoint;
    this.#visits.delete(client);
    return undefined;
  }

  /** The client is led there now. */
  keep(client: string, { endpoint, untilMs }: Visit): void {
    this.#visits.delete(client);
    this.#visits.set(client, { endpoint, untilMs });
    if (this.#visits.size <= this.#max) return;
    for (const oldest of this.#visits.keys()) {
      this.#visits.delete(oldest);
      return;
    }
  }
}
