/**
 * Folds events that repeat, and bounds how many one object may cause.
 *
 * @module
 */
import type { Event } from "../api/types.ts";
import { kubeTime } from "../time.ts";
import type { Happening } from "./happening.ts";

/** Objects that are remembered; the oldest are forgotten first. */
const OBJECTS_MAX = 4_096;
/** An event that repeats within this time is counted, not told anew: a kubelet's own figure. */
const FOLD_MS = 600_000;
/** A kubelet's own spam filter: so many at once, then one more every five minutes. */
const BURST_MAX = 25;
const REFILL_MS = 300_000;

interface Known {
  readonly events: Map<string, { event: Event; lastMs: number }>;
  tokens: number;
  refilledMs: number;
}

/** Remembers what was told of each object. */
export class Fold {
  readonly #objects = new Map<string, Known>();

  /**
   * Takes one happening.
   *
   * @returns the event to create, the known event to count up, or `dropped` for one too many.
   */
  add(
    happening: Happening,
    nowMs: number,
    make: () => Event,
  ): { event: Event; again: boolean } | "dropped" {
    const known = this.#known(happening, nowMs);
    const key = JSON.stringify([
      happening.type,
      happening.reason,
      happening.message,
      happening.object.fieldPath,
    ]);
    const before = known.events.get(key);
    const earned = Math.floor((nowMs - known.refilledMs) / REFILL_MS);
    if (earned > 0) {
      known.tokens = Math.min(BURST_MAX, known.tokens + earned);
      known.refilledMs += earned * REFILL_MS;
    }
    if (known.tokens === 0) return "dropped";
    known.tokens--;
    if (before === undefined || nowMs - before.lastMs > FOLD_MS) {
      const event = make();
      known.events.set(key, { event, lastMs: nowMs });
      return { event, again: false };
    }
    const event = {
      ...before.event,
      count: (before.event.count ?? 1) + 1,
      lastTimestamp: kubeTime(nowMs),
    };
    known.events.set(key, { event, lastMs: nowMs });
    return { event, again: true };
  }

  #known({ object }: Happening, nowMs: number): Known {
    const key = object.uid ?? `${object.kind}/${object.namespace}/${object.name}`;
    const found = this.#objects.get(key);
    if (found !== undefined) return found;
    const oldest = this.#objects.keys().next();
    if (this.#objects.size >= OBJECTS_MAX && !oldest.done) this.#objects.delete(oldest.value);
    const fresh = { events: new Map(), tokens: BURST_MAX, refilledMs: nowMs };
    this.#objects.set(key, fresh);
    return fresh;
  }
}
