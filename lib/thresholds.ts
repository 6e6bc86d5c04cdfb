/**
 * The signals that a node watches, and how little of each is too little.
 *
 * @module
 */
import { parseQuantity, quantityBytes } from "./quantity.ts";

/** A kubelet's names, in bytes or numbers of inodes. Those of imagefs are about the image store's disk. */
export type Signal =
  | "memory.available"
  | "nodefs.available"
  | "nodefs.inodesFree"
  | "imagefs.available"
  | "imagefs.inodesFree";

/** An amount, or a share of the capacity (0 to 1). */
export type Amount = { readonly units: number } | { readonly share: number };

/** Amounts by signal; a signal that is not in it is not watched. */
export type Thresholds = Readonly<Partial<Record<Signal, Amount>>>;

/** A kubelet's `--eviction-hard` on Linux. */
export const EVICTION_HARD_DEFAULT: Readonly<Record<Signal, string>> = {
  "memory.available": "100Mi",
  "nodefs.available": "10%",
  "nodefs.inodesFree": "5%",
  "imagefs.available": "15%",
  "imagefs.inodesFree": "5%",
};

/**
 * Reads amounts as `{"memory.available": "100Mi", "nodefs.available": "10%"}`. An amount of 0 or 100 %
 * switches its signal off, as for a kubelet. Throws a `RangeError` that says what is wrong.
 */
export function parseThresholds(texts: Readonly<Record<string, string>>): Thresholds {
  const read: Partial<Record<Signal, Amount>> = {};
  for (const [name, text] of Object.entries(texts)) {
    if (!isSignal(name)) {
      const known = Object.keys(EVICTION_HARD_DEFAULT).join(", ");
      throw new RangeError(`"${name}" is no signal; there are ${known}`);
    }
    const amount = parseAmount(text);
    const off = "share" in amount ? amount.share === 0 || amount.share === 1 : amount.units === 0;
    if (!off) read[name] = amount;
  }
  return read;
}

/** The amount in the signal's own units. */
export function amountUnits(amount: Amount, capacity: number): number {
  return "share" in amount ? Math.floor(capacity * amount.share) : amount.units;
}

function isSignal(name: string): name is Signal {
  return Object.hasOwn(EVICTION_HARD_DEFAULT, name);
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
