/**
 * Decides what the node is short of, from what was seen and what was decided before.
 *
 * @module
 */
import { type Amount, amountUnits, type PressureRules, type Signal } from "../thresholds.ts";

/** What a signal says at one moment, in its own units. */
export interface Observation {
  readonly available: number;
  readonly capacity: number;
}

/** Signals that the machine does not tell are absent. */
export type Observations = Readonly<Partial<Record<Signal, Observation>>>;

/** What the node tells of itself. */
export type Shortage = "memory" | "disk" | "pid";

/** Beyond a hard threshold pods are evicted at once, beyond a soft one after a time, and gently. */
export type Severity = "hard" | "soft";

/** A signal that is below its threshold. */
export interface Met {
  readonly signal: Signal;
  readonly severity: Severity;
  /** Where it begins, in the signal's own units. */
  readonly threshold: number;
  readonly available: number;
}

/** What {@linkcode decidePressure} has to remember; begin with an empty one. */
export interface PressureState {
  /**
   * Since when, in ms, signals are below their thresholds; those whose time has come: and not yet above them by the
   * least that is to be reclaimed.
   */
  readonly sinceMs: Readonly<Partial<Record<`${Severity} ${Signal}`, number>>>;
  /** Those of them whose time had come. */
  readonly met: ReadonlySet<`${Severity} ${Signal}`>;
  /** When each shortage was last seen, in ms. */
  readonly seenMs: Readonly<Partial<Record<Shortage, number>>>;
}

/** What was decided. */
export interface Pressure {
  /** In the order in which they are dealt with: memory first. Those whose time has not come are not in it. */
  readonly met: readonly Met[];
  /** What the node tells: also a shortage that is over, for some time, and one whose time has not come. */
  readonly shortages: ReadonlySet<Shortage>;
  readonly state: PressureState;
}

/** Nothing was ever short. */
export const NO_PRESSURE: PressureState = { sinceMs: {}, met: new Set(), seenMs: {} };

/** Decides at `nowMs`; give the returned state back the next time. */
export function decidePressure(
  observations: Observations,
  { rules, before, nowMs }: {
    readonly rules: PressureRules;
    readonly before: PressureState;
    readonly nowMs: number;
  },
): Pressure {
  const sinceMs: Partial<Record<`${Severity} ${Signal}`, number>> = {};
  const below: Met[] = [];
  const met: Met[] = [];
  const metKeys = new Set<`${Severity} ${Signal}`>();
  for (const { signal, severity, amount, graceMs } of inOrder(rules)) {
    const seen = observations[signal];
    if (seen === undefined) continue;
    const key = `${severity} ${signal}` as const;
    const threshold = amountUnits(amount, seen.capacity);
    const reclaim = rules.minimumReclaim[signal];
    // As for a kubelet: who has not been short for long enough has nothing to make good.
    const more = reclaim !== undefined && before.met.has(key)
      ? amountUnits(reclaim, seen.capacity)
      : 0;
    if (seen.available >= threshold + more) continue;
    const since = sinceMs[key] = before.sinceMs[key] ?? nowMs;
    const found = { signal, severity, threshold, available: seen.available };
    below.push(found);
    if (nowMs - since < graceMs) continue;
    met.push(found);
    metKeys.add(key);
  }
  const seenMs = lastSeen(below, { before, nowMs, transitionMs: rules.transitionMs });
  return {
    met,
    shortages: new Set(SHORTAGES.filter((one) => seenMs[one] !== undefined)),
    state: { sinceMs, met: metKeys, seenMs },
  };
}

const SHORTAGES: readonly Shortage[] = ["memory", "disk", "pid"];
const ORDER: readonly Signal[] = [
  "memory.available",
  "nodefs.available",
  "imagefs.available",
  "nodefs.inodesFree",
  "imagefs.inodesFree",
  "pid.available",
];

interface Threshold {
  readonly signal: Signal;
  readonly severity: Severity;
  readonly amount: Amount;
  readonly graceMs: number;
}

/** In whatever way the thresholds were written; what cannot wait comes first. */
function inOrder({ thresholds, soft }: PressureRules): Threshold[] {
  return ORDER.flatMap((signal) => {
    const [hard, gentle] = [thresholds[signal], soft?.thresholds[signal]];
    const found: Threshold[] = [];
    if (hard !== undefined) found.push({ signal, severity: "hard", amount: hard, graceMs: 0 });
    if (gentle !== undefined) {
      const graceMs = soft?.graceMs[signal] ?? 0;
      found.push({ signal, severity: "soft", amount: gentle, graceMs });
    }
    return found;
  });
}

function shortageOf(signal: Signal): Shortage {
  if (signal === "pid.available") return "pid";
  return signal === "memory.available" ? "memory" : "disk";
}

function lastSeen(
  met: readonly Met[],
  { before, nowMs, transitionMs }: {
    readonly before: PressureState;
    readonly nowMs: number;
    readonly transitionMs: number;
  },
): PressureState["seenMs"] {
  const seen: Partial<Record<Shortage, number>> = {};
  for (const shortage of SHORTAGES) {
    const old = before.seenMs[shortage];
    if (met.some(({ signal }) => shortageOf(signal) === shortage)) seen[shortage] = nowMs;
    else if (old !== undefined && nowMs - old < transitionMs) seen[shortage] = old;
  }
  return seen;
}
