import type { Pod, Volume } from "../api/types.ts";
import { formatQuantity, parseQuantity, type Quantity } from "../quantity.ts";
import { podLimits } from "../resources/pod_requests.ts";

const NANOS_PER_BYTE = 1_000_000_000n;

/**
 * How much an emptyDir may hold: its `sizeLimit`; in memory no more than what the pod may have of it, or all
 * pods together, as a kubelet sizes its tmpfs. `undefined` if nothing limits it.
 *
 * @param allocatable the node's `status.allocatable`.
 */
export function sizeLimit(
  pod: Pod,
  { emptyDir }: Volume,
  allocatable: Readonly<Record<string, string>>,
): Quantity | undefined {
  const own = positive(emptyDir?.sizeLimit);
  if (emptyDir?.medium !== "Memory") return own;
  return [own, memoryLimit(pod), positive(allocatable["memory"])].reduce(smaller);
}

function smaller(one: Quantity | undefined, other: Quantity | undefined): Quantity | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return other.nanos < one.nanos ? other : one;
}

/** What a kubelet says of a volume that holds too much, the last space included. */
export function excessMessage(volumeName: string, limit: Quantity): string {
  return `Usage of EmptyDir volume "${volumeName}" exceeds the limit "${formatQuantity(limit)}". `;
}

/** `undefined` as soon as one container may use as much as there is, unless the pod says it for all (KEP-2837). */
function memoryLimit(pod: Pod): Quantity | undefined {
  const { initContainers = [], containers = [], resources } = pod.spec ?? {};
  const said = [...initContainers, ...containers].map((one) => one.resources);
  const limited = positive(resources?.limits?.["memory"]) !== undefined ||
    said.every((one) => positive(one?.limits?.["memory"]) !== undefined);
  const bytes = limited ? podLimits(pod).get("memory") : undefined;
  return bytes === undefined ? undefined : { format: "BinarySI", nanos: bytes * NANOS_PER_BYTE };
}

/** A limit of zero is none. */
function positive(text: string | undefined): Quantity | undefined {
  if (text === undefined) return undefined;
  const quantity = parseQuantity(text);
  return quantity.nanos > 0n ? quantity : undefined;
}
