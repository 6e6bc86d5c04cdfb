/**
 * Whether a pod has room on the node beside those that were let in before.
 *
 * @module
 */
import type { Pod } from "../api/types.ts";
import { type Amounts, sum } from "./amounts.ts";
import { podRequests } from "./pod_requests.ts";

/** Why a pod is not let in, in a kubelet's words. */
export interface Misfit {
  /** `OutOfcpu`, `OutOfpods` and so on; `NodePorts` for a port of the node;
   * `UnexpectedAdmissionError` for what only a device plugin gives. */
  readonly reason: string;
  readonly message: string;
  /** The resource that is short. */
  readonly resource: string;
  /** True if the pod would not even fit alone. */
  readonly never: boolean;
}

/** The order in which a kubelet names what is short. */
const FIRST = ["pods", "cpu", "memory", "ephemeral-storage"];

/**
 * The first resource that is short, or `undefined` if the pod fits. A resource of which nothing is asked
 * is never short; one that the node does not have at all is.
 */
export function misfit(
  pod: Pod,
  { allocatable, others }: { readonly allocatable: Amounts; readonly others: Amounts },
): Misfit | undefined {
  const asked = sum(podRequests(pod), new Map([["pods", 1n]]));
  const names = [...FIRST, ...[...asked.keys()].filter((name) => !FIRST.includes(name)).sort()];
  for (const resource of names) {
    const requested = asked.get(resource) ?? 0n;
    const used = others.get(resource) ?? 0n;
    const capacity = allocatable.get(resource);
    if (requested === 0n || requested + used <= (capacity ?? 0n)) continue;
    if (capacity === undefined && isExtended(resource)) return noDevice(resource, requested);
    return {
      reason: `OutOf${resource}`,
      message: `Node didn't have enough resource: ${resource}, requested: ${requested}, \
used: ${used}, capacity: ${capacity ?? 0n}`,
      resource,
      never: requested > (capacity ?? 0n),
    };
  }
  return undefined;
}

/** A resource of somebody else than Kubernetes: only a device plugin can bring it. */
function isExtended(resource: string): boolean {
  return resource.includes("/") && !/(^|\.)kubernetes\.io\//.test(resource);
}

function noDevice(resource: string, requested: bigint): Misfit {
  return {
    reason: "UnexpectedAdmissionError",
    message: `Allocate failed due to requested number of devices unavailable for ${resource}. \
Requested: ${requested}, Available: 0, since this node has no device plugin for it, which is unexpected`,
    resource,
    never: true,
  };
}
