/**
 * Amounts of several resources at once, as whole numbers that can be added and compared.
 *
 * @module
 */
import { parseQuantity, quantityMillis, quantityUnits } from "../quantity.ts";

/** Amounts by resource: cpu in thousandths, everything else in bytes or pieces. Absent is none. */
export type Amounts = ReadonlyMap<string, bigint>;

/** Reads a list of quantities as the API has it; throws a `KubeletError` with code `invalid`. */
export function amountsOf(list: Readonly<Record<string, string>> | undefined): Amounts {
  const read = Object.entries(list ?? {}).map(([name, text]) => {
    const quantity = parseQuantity(text);
    return [name, name === "cpu" ? quantityMillis(quantity) : quantityUnits(quantity)] as const;
  });
  return new Map(read);
}

/** All of them together. */
export function sum(...all: readonly Amounts[]): Amounts {
  return combine(all, (one, other) => one + other);
}

/** The greatest of each resource. */
export function greatest(...all: readonly Amounts[]): Amounts {
  return combine(all, (one, other) => one > other ? one : other);
}

function combine(
  all: readonly Amounts[],
  join: (one: bigint, other: bigint) => bigint,
): Amounts {
  const total = new Map<string, bigint>();
  for (const amounts of all) {
    for (const [name, amount] of amounts) total.set(name, join(total.get(name) ?? 0n, amount));
  }
  return total;
}
