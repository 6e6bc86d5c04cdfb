import type { Pod, Volume } from "../api/types.ts";
import { formatQuantity, parseQuantity, type Quantity } from "../quantity.ts";

/**
 * How much an emptyDir may hold: its `sizeLimit`; in memory also no more than the memory limits of all
 * containers together, as a kubelet sizes its tmpfs. `undefined` if nothing limits it.
 */
export function sizeLimit(pod: Pod, { emptyDir }: Volume): Quantity | undefined {
  const own = positive(emptyDir?.sizeLimit);
  if (emptyDir?.medium !== "Memory") return own;
  const memory = memoryLimit(pod);
  if (own === undefined || memory === undefined) return own ?? memory;
  return memory.nanos < own.nanos ? memory : own;
}

/** What a kubelet says of a volume that holds too much, the last space included. */
export function excessMessage(volumeName: string, limit: Quantity): string {
  return `Usage of EmptyDir volume "${volumeName}" exceeds the limit "${formatQuantity(limit)}". `;
}

/** `undefined` as soon as one container may use as much as there is. */
function memoryLimit({ spec }: Pod): Quantity | undefined {
  let sum: Quantity | undefined;
  for (const { resources } of spec?.containers ?? []) {
    const limit = positive(resources?.limits?.["memory"]);
    if (limit === undefined) return undefined;
    sum = { ...limit, nanos: limit.nanos + (sum?.nanos ?? 0n) };
  }
  return sum;
}

/** A limit of zero is none. */
function positive(text: string | undefined): Quantity | undefined {
  if (text === undefined) return undefined;
  const quantity = parseQuantity(text);
  return quantity.nanos > 0n ? quantity : undefined;
}
