/**
 * The signals that a node watches, and how little of each is too little.
 *
 * @module
 */
import { parseDuration } from "./durations.ts";
import { parseQuantity, quantityBytes } from "./quantity.ts";

/** A kubelet's names, in bytes, or numbers of inodes and of processes with their threads. Those of imagefs are about the image store's disk. */
export type Signal =
  | "memory.available"
  | "nodefs.available"
  | "nodefs.inodesFree"
  | "imagefs.available"
  | "imagefs.inodesFree"
  | "pid.available";

/** An amount, or a share of the capacity (0 to 1). */
export type Amount = { readonly units: number } | { readonly share: number };

/** Amounts by signal; a signal that is not in it is not watched. */
export type Thresholds = Readonly<Partial<Record<Signal, Amount>>>;

/** Thresholds that have to be met for some time. */
export interface SoftThresholds {
  /** Below which amounts something is short. */
  readonly thresholds: Thresholds;
  /** How long, in ms; one for each of the thresholds. */
  readonly graceMs: Readonly<Partial<Record<Signal, number>>>;
}

/** By what the decision is made. */
export interface PressureRules {
  /** Below which amounts something is short. */
  readonly thresholds: Thresholds;
  /** Below which amounts it is after some time. @default {none} */
  readonly soft?: SoftThresholds;
  /** What must be free beyond a threshold before it counts as left. */
  readonly minimumReclaim: Thresholds;
  /** How long a shortage is told of after it was last seen, in ms. */
  readonly transitionMs: number;
}

/** When pods are evicted, and how. */
export interface EvictionRules extends PressureRules {
  /** The longest grace period of a pod that goes for a soft threshold, in ms. @default {a moment} */
  readonly podGraceMsMax?: number;
}

/**
 * A kubelet's `--eviction-hard` on Linux, but for the processes, for which it has none: here each container is one,
 * and none can start without.
 */
export const EVICTION_HARD_DEFAULT: Readonly<Record<Signal, string>> = {
  "memory.available": "100Mi",
  "nodefs.available": "10%",
  "nodefs.inodesFree": "5%",
  "imagefs.available": "15%",
  "imagefs.inodesFree": "5%",
  "pid.available": "5%",
};

/**
 * Reads amounts as `{"memory.available": "100Mi", "nodefs.available": "10%"}`. An amount of 0 or 100 %
 * switches its signal off, as for a kubelet. Throws a `RangeError` that says what is wrong.
 */
export function parseThresholds(texts: Readonly<Record<string, string>>): Thresholds {
  const read: Partial<Record<Signal, Amount>> = {};
  for (const [name, text] of Object.entries(texts)) {
    checkSignal(name);
    const amount = parseAmount(text);
    const off = "share" in amount ? amount.share === 0 || amount.share === 1 : amount.units === 0;
    if (!off) read[name] = amount;
  }
  return read;
}

/**
 * Reads durations as `{"memory.available": "90s"}`, in ms. Throws a `RangeError` that says what is wrong.
 */
export function parseGraces(
  texts: Readonly<Record<string, string>>,
): Readonly<Partial<Record<Signal, number>>> {
  const read: Partial<Record<Signal, number>> = {};
  for (const [name, text] of Object.entries(texts)) {
    checkSignal(name);
    read[name] = parseDuration(text);
  }
  return read;
}

/** The amount in the signal's own units. */
export function amountUnits(amount: Amount, capacity: number): number {
  return "share" in amount ? Math.floor(capacity * amount.share) : amount.units;
}

function checkSignal(name: string): asserts name is Signal {
  if (Object.hasOwn(EVICTION_HARD_DEFAULT, name)) return;
  const known = Object.keys(EVICTION_HARD_DEFAULT).join(", ");
  throw new RangeError(`"${name}" is no signal; there are ${known}`);
}

function parseAmount(text: string): Amount {
  const [, percent] = /^(\d+(?:\.\d+)?)%$/.exec(text) ?? [];
  if (percent === undefined) {
    const units = quantityBytes(parseQuantity(text));
    if (units < 0) throw new RangeError(`"${text}" is negative`);
    return { units };
  }
  const share = Number(percent) / 100;
  if (share > 1) throw new RangeError(`"${text}" is more than 100%`);
  return { share };
}
