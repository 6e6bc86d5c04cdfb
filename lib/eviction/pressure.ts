/**
 * Decides what the node is short of, from what was seen and what was decided before.
 *
 * @module
 */
import { type Amount, amountUnits, type Signal, type Thresholds } from "../thresholds.ts";

/** What a signal says at one moment, in bytes or inodes. */
export interface Observation {
  readonly available: number;
  readonly capacity: number;
}

/** Signals that the machine does not tell are absent. */
export type Observations = Readonly<Partial<Record<Signal, Observation>>>;

/** What the node tells of itself. */
export type Shortage = "memory" | "disk";

/** A signal that is below its threshold. */
export interface Met {
  readonly signal: Signal;
  /** Where it begins, in the signal's own units. */
  readonly threshold: number;
  readonly available: number;
}

/** What {@linkcode decidePressure} has to remember; begin with an empty one. */
export interface PressureState {
  /** Signals below their thresholds, and not yet above them by the least that is to be reclaimed. */
  readonly met: readonly Signal[];
  /** When each shortage was last seen, in ms. */
  readonly seenMs: Readonly<Partial<Record<Shortage, number>>>;
}

/** By what the decision is made. */
export interface PressureRules {
  /** Below which amounts something is short. */
  readonly thresholds: Thresholds;
  /** What must be free beyond a threshold before it counts as left. */
  readonly minimumReclaim: Thresholds;
  /** How long a shortage is told of after it was last seen, in ms. */
  readonly transitionMs: number;
}

/** What was decided. */
export interface Pressure {
  /** In the order in which they are dealt with: memory first. */
  readonly met: readonly Met[];
  /** What the node tells: also a shortage that is over, for some time. */
  readonly shortages: ReadonlySet<Shortage>;
  readonly state: PressureState;
}

/** Nothing was ever short. */
export const NO_PRESSURE: PressureState = { met: [], seenMs: {} };

/** Decides at `nowMs`; give the returned state back the next time. */
export function decidePressure(
  observations: Observations,
  { rules, before, nowMs }: {
    readonly rules: PressureRules;
    readonly before: PressureState;
    readonly nowMs: number;
  },
): Pressure {
  const met: Met[] = [];
  // Their order is that of ORDER in whatever way the thresholds were written.
  for (const [signal, amount] of inOrder(rules.thresholds)) {
    const seen = observations[signal];
    if (seen === undefined) continue;
    const threshold = amountUnits(amount, seen.capacity);
    const reclaim = rules.minimumReclaim[signal];
    const more = reclaim !== undefined && before.met.includes(signal)
      ? amountUnits(reclaim, seen.capacity)
      : 0;
    if (seen.available < threshold + more) {
      met.push({ signal, threshold, available: seen.available });
    }
  }
  const seenMs = lastSeen(met, { before, nowMs, transitionMs: rules.transitionMs });
  return {
    met,
    shortages: new Set(SHORTAGES.filter((one) => seenMs[one] !== undefined)),
    state: { met: met.map(({ signal }) => signal), seenMs },
  };
}

const SHORTAGES: readonly Shortage[] = ["memory", "disk"];
const ORDER: readonly Signal[] = [
  "memory.available",
  "nodefs.available",
  "imagefs.available",
  "nodefs.inodesFree",
  "imagefs.inodesFree",
];

function inOrder(thresholds: Thresholds): [Signal, Amount][] {
  return ORDER.flatMap((signal) => {
    const amount = thresholds[signal];
    return amount === undefined ? [] : [[signal, amount] as [Signal, Amount]];
  });
}

function shortageOf(signal: Signal): Shortage {
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
