/**
 * Which pods a node takes that is short of something.
 *
 * @module
 */
import type { Pod } from "../api/types.ts";
import { isCritical } from "../resources/critical.ts";
import type { Shortage } from "./pressure.ts";

const CONDITIONS: Readonly<Record<Shortage, string>> = {
  memory: "MemoryPressure",
  disk: "DiskPressure",
  pid: "PIDPressure",
};

const MEMORY_PRESSURE = "node.kubernetes.io/memory-pressure";

/**
 * Why a pod is turned away, in a kubelet's words, or `undefined`. A node that is short of memory alone still
 * takes pods that have asked for some of it, or put up with the shortage.
 */
export function turnedAway(
  pod: Pod,
  { shortages, bestEffort }: {
    readonly shortages: ReadonlySet<Shortage>;
    /** True if the pod has asked for nothing: its QoS class. */
    readonly bestEffort: boolean;
  },
): { reason: string; message: string } | undefined {
  if (shortages.size === 0 || isCritical(pod)) return undefined;
  const onlyMemory = shortages.size === 1 && shortages.has("memory");
  if (onlyMemory && (!bestEffort || toleratesShortage(pod))) return undefined;
  const names = [...shortages].map((one) => CONDITIONS[one]);
  return { reason: "Evicted", message: `The node had condition: [${names.join(" ")}]. ` };
}

function toleratesShortage({ spec }: Pod): boolean {
  return (spec?.tolerations ?? []).some(({ key = "", operator = "Equal", value = "", effect }) =>
    (effect === undefined || effect === "" || effect === "NoSchedule") &&
    (operator === "Exists" ? key === "" || key === MEMORY_PRESSURE : key === MEMORY_PRESSURE &&
      value === "")
  );
}
