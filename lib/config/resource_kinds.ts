/**
 * Amounts of the node's resources, as options have them.
 *
 * @module
 */
import { messageOf } from "../errors.ts";
import { parseQuantity } from "../quantity.ts";
import { parseGraces, parseThresholds } from "../thresholds.ts";
import { splitList } from "./names.ts";
import type { Kind } from "./option.ts";

/** Texts by name. */
export type Amounts = Readonly<Record<string, string>>;

const RESERVABLE = ["cpu", "memory", "ephemeral-storage", "pid"];

/** What is kept back for others than pods, as `cpu=100m,memory=1Gi`. */
export const reserved: Kind<Amounts> = amounts("=", {
  placeholder: "RESOURCE=QUANTITY,…",
  what: `quantities of ${RESERVABLE.join(", ")}`,
  check: (values) => {
    for (const [name, text] of Object.entries(values)) {
      if (!RESERVABLE.includes(name)) throw new RangeError(`"${name}" cannot be kept back`);
      if (parseQuantity(text).nanos < 0n) throw new RangeError(`"${text}" is negative`);
    }
  },
});

/** When pods are evicted, as `memory.available<100Mi,nodefs.available<10%`. */
export const thresholds: Kind<Amounts> = amounts("<", {
  placeholder: "SIGNAL<QUANTITY,…",
  what: "a quantity or a percentage for each signal",
  check: parseThresholds,
});

/** How long a soft threshold may last, as `memory.available=90s`. */
export const graces: Kind<Amounts> = amounts("=", {
  placeholder: "SIGNAL=DURATION,…",
  what: "a duration for each signal",
  check: parseGraces,
});

/** What must be free beyond a threshold before an eviction is over, as `nodefs.available=1Gi`. */
export const reclaims: Kind<Amounts> = amounts("=", {
  placeholder: "SIGNAL=QUANTITY,…",
  what: "a quantity or a percentage for each signal",
  check: parseThresholds,
});

function amounts(
  separator: string,
  { placeholder, what, check }: {
    readonly placeholder: string;
    readonly what: string;
    readonly check: (values: Amounts) => unknown;
  },
): Kind<Amounts> {
  const read = (pairs: readonly (readonly [string, string])[]): Amounts => {
    const values = Object.fromEntries(pairs);
    try {
      check(values);
    } catch (error) {
      throw new RangeError(messageOf(error));
    }
    return values;
  };
  return {
    placeholder,
    allowed: `a comma list of NAME${separator}AMOUNT: ${what} (in the file an object of texts)`,
    emptyIsValue: true,
    fromText: (text) => read(splitList(text).map((entry) => splitAt(entry, separator))),
    fromJson(value): Amounts {
      if (typeof value !== "object" || value === null || Array.isArray(value)) {
        throw new RangeError("it is no object");
      }
      return read(Object.entries(value).map(([name, text]) => [name, String(text)]));
    },
    toText: (values) => Object.entries(values).map((pair) => pair.join(separator)).join(","),
    join: (earlier, later) => ({ ...earlier, ...later }),
  };
}

function splitAt(entry: string, separator: string): [string, string] {
  const at = entry.indexOf(separator);
  if (at < 1) throw new RangeError(`"${entry}" has no "${separator}"`);
  return [entry.slice(0, at).trim(), entry.slice(at + 1).trim()];
}
