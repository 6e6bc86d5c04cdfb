/**
 * Folds events that repeat, and bounds how many one object may cause.
 *
 * @module
 */
import type { Event } from "../api/types.ts";
import { kubeTime } from "../time.ts";
import type { Happening } from "./happening.ts";
import { cutMessage } from "./message.ts";

/** Objects that are remembered; those that were silent for longest are forgotten first. */
const OBJECTS_MAX = 4_096;
/** An event that repeats within this time is counted, not told anew: a kubelet's own figure. */
const FOLD_MS = 600_000;
/** A kubelet's own spam filter: so many at once, then one more every five minutes. */
const BURST_MAX = 25;
const REFILL_MS = 300_000;
/** An object that was silent for so long has its whole burst back: it is as good as new. */
const IDLE_MS = BURST_MAX * REFILL_MS;

/** A moment by two clocks. */
export interface Moment {
  /** Milliseconds since 1970, as events tell them. */
  readonly wallMs: number;
  /** Milliseconds of a clock that nobody sets, by which windows are measured. */
  readonly steadyMs: number;
}

interface Known {
  /** The one that happened last is last. */
  readonly events: Map<string, { event: Event; lastMs: number }>;
  tokens: number;
  refilledMs: number;
  lastMs: number;
}

/** Remembers what was told of each object, for no longer than it may be told again. */
export class Fold {
  /** The one that something happened to last is last. */
  readonly #objects = new Map<string, Known>();

  /** How many events are remembered. */
  get remembered(): number {
    let sum = 0;
    for (const { events } of this.#objects.values()) sum += events.size;
    return sum;
  }

  /**
   * Takes one happening.
   *
   * @returns the event to create, the known event to count up, or `dropped` for one too many.
   */
  add(
    happening: Happening,
    { wallMs, steadyMs: nowMs }: Moment,
    make: () => Event,
  ): { event: Event; again: boolean } | "dropped" {
    forgetFirst(this.#objects, nowMs - IDLE_MS);
    const known = this.#known(happening, nowMs);
    forgetFirst(known.events, nowMs - FOLD_MS);
    const key = JSON.stringify([
      happening.type,
      happening.reason,
      cutMessage(happening.message),
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
    known.events.delete(key);
    if (before === undefined) {
      const event = make();
      known.events.set(key, { event, lastMs: nowMs });
      return { event, again: false };
    }
    const event = {
      ...before.event,
      count: (before.event.count ?? 1) + 1,
      lastTimestamp: kubeTime(wallMs),
    };
    known.events.set(key, { event, lastMs: nowMs });
    return { event, again: true };
  }

  #known({ object }: Happening, nowMs: number): Known {
    const key = object.uid ?? `${object.kind}/${object.namespace}/${object.name}`;
    const found = this.#objects.get(key);
    this.#objects.delete(key);
    const oldest = this.#objects.keys().next();
    if (this.#objects.size >= OBJECTS_MAX && !oldest.done) this.#objects.delete(oldest.value);
    const known = found ??
      { events: new Map(), tokens: BURST_MAX, refilledMs: nowMs, lastMs: nowMs };
    known.lastMs = nowMs;
    this.#objects.set(key, known);
    return known;
  }
}

/** Removes what was last seen before a time, from a map in the order of these times. */
function forgetFirst(map: Map<string, { readonly lastMs: number }>, beforeMs: number): void {
  for (const [key, { lastMs }] of map) {
    if (lastMs >= beforeMs) return;
    map.delete(key);
  }
}
