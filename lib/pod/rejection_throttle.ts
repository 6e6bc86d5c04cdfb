/**
 * Slows down whoever keeps making pods that can never run here.
 *
 * A controller replaces a failed pod at once. If the replacement can never run here either, the
 * two of them would keep the API server busy for ever, so the first pod of an owner fails at once
 * and each further one later, by Kubernetes' usual back-off.
 *
 * @module
 */
import type { Pod } from "../api/types.ts";
import { BACKOFF_MS_MAX, nextBackoffMs } from "../container/backoff.ts";

/** Owners that are remembered; the oldest are forgotten first. */
const OWNERS_MAX = 1_024;

/** Remembers how often an owner's pods were rejected. */
export class RejectionThrottle {
  readonly #owners = new Map<string, { delayMs: number; lastMs: number }>();

  /** How long the rejection of this pod has to wait, in ms of a clock that only goes on; 0 for an owner's first. */
  delayMs(pod: Pod, nowMs: number): number {
    const owner = pod.metadata?.ownerReferences?.find((reference) => reference.controller)?.uid;
    if (owner === undefined) return 0;
    const before = this.#owners.get(owner);
    const forgotten = before === undefined || nowMs - before.lastMs > 2 * BACKOFF_MS_MAX;
    const delayMs = forgotten
      ? 0
      : nextBackoffMs(before.delayMs === 0 ? undefined : before.delayMs);
    this.#owners.delete(owner);
    const oldest = this.#owners.keys().next();
    if (this.#owners.size >= OWNERS_MAX && !oldest.done) this.#owners.delete(oldest.value);
    this.#owners.set(owner, { delayMs, lastMs: nowMs + delayMs });
    return delayMs;
  }
}
