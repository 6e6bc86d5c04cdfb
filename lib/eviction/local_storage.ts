/**
 * Decides whether a pod has used more of the disk than it may.
 *
 * @module
 */
import type { Pod, Volume } from "../api/types.ts";
import { formatQuantity, parseQuantity, quantityBytes } from "../quantity.ts";
import { podLimits } from "../resources/pod_requests.ts";
import { bytesText } from "./messages.ts";

/** What a pod has on the disk, in bytes. */
export interface DiskUsage {
  /** By container: its root folder, and its logs. */
  readonly containers: ReadonlyMap<string, number>;
  /** The part of it that is logs, by container. @default {nobody asked} */
  readonly logs?: ReadonlyMap<string, number>;
  /** By volume, of those that are the pod's own. */
  readonly volumes: ReadonlyMap<string, number>;
  /** False if there is more than anybody can count. */
  readonly whole: boolean;
}

/**
 * The message with which a kubelet evicts such a pod, or `undefined` if it is within its limits: that of all
 * containers together, and that of each container. Volumes look after their own (`PodVolumes.excess`).
 * What nobody can count is over any limit: otherwise a guest would only have to make enough of it.
 */
export function overLimit(pod: Pod, usage: DiskUsage): string | undefined {
  return overPod(pod, usage) ?? overContainer(pod, usage);
}

/** Everything of the pod that counts, in bytes. */
export function diskBytes(pod: Pod, { containers, volumes }: DiskUsage): number {
  const local = (pod.spec?.volumes ?? []).filter(isLocal).map(({ name }) => volumes.get(name) ?? 0);
  return [...containers.values(), ...local].reduce((one, other) => one + other, 0);
}

/** Volumes that are accounted to the pod, but for those that are to be memory. */
function isLocal({ emptyDir, configMap }: Volume): boolean {
  return (emptyDir !== undefined && emptyDir?.medium !== "Memory") || configMap !== undefined;
}

function overPod(pod: Pod, usage: DiskUsage): string | undefined {
  const limit = podLimits(pod).get("ephemeral-storage");
  if (limit === undefined) return undefined;
  if (usage.whole && BigInt(Math.round(diskBytes(pod, usage))) <= limit) return undefined;
  return `Pod ephemeral local storage usage exceeds the total limit of containers ${
    bytesText(Number(limit))
  }. `;
}

function overContainer({ spec }: Pod, { containers }: DiskUsage): string | undefined {
  for (const { name, resources } of spec?.containers ?? []) {
    const text = resources?.limits?.["ephemeral-storage"];
    if (text === undefined || (containers.get(name) ?? 0) <= bytesOf(text)) continue;
    return `Container ${name} exceeded its local ephemeral storage limit "${canonical(text)}". `;
  }
  return undefined;
}

function bytesOf(text: string): number {
  return quantityBytes(parseQuantity(text));
}

function canonical(text: string): string {
  return formatQuantity(parseQuantity(text));
}
