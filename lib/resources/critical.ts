import type { Pod } from "../api/types.ts";

/** From here on a pod belongs to the cluster itself (scheduling/v1, `system-cluster-critical`). */
const CRITICAL_PRIORITY_MIN = 2_000_000_000;

/** True for a pod without which a cluster does not work: it is neither turned away nor evicted. */
export function isCritical({ spec }: Pod): boolean {
  return (spec?.priority ?? 0) >= CRITICAL_PRIORITY_MIN;
}
