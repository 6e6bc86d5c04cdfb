/**
 * The answer of `/stats/summary` (`k8s.io/kubelet/pkg/apis/stats/v1alpha1` of Kubernetes 1.36), as far
 * as this node has something to tell. Times are RFC 3339.
 *
 * @module
 */

/** All there is. */
export interface Summary {
  readonly node: NodeStats;
  readonly pods: readonly PodStats[];
}

/** CPU of something. */
export interface CpuStats {
  readonly time: string;
  /** Billionths of a CPU, lately. */
  readonly usageNanoCores?: number;
  /** Since its start. */
  readonly usageCoreNanoSeconds?: number;
}

/** Memory of something, in bytes. */
export interface MemoryStats {
  readonly time: string;
  /** What is left to it. */
  readonly availableBytes?: number;
  /** All that is in memory for it, also what others share with it. */
  readonly usageBytes?: number;
  readonly workingSetBytes?: number;
  readonly rssBytes?: number;
}

/** A filesystem, and what something uses of it. */
export interface FsStats {
  readonly time: string;
  readonly availableBytes?: number;
  readonly capacityBytes?: number;
  readonly usedBytes?: number;
  readonly inodesFree?: number;
  readonly inodes?: number;
  readonly inodesUsed?: number;
}

/** A container, or a program of the node. */
export interface ContainerStats {
  readonly name: string;
  readonly startTime: string;
  readonly cpu?: CpuStats;
  readonly memory?: MemoryStats;
  readonly rootfs?: FsStats;
  readonly logs?: FsStats;
}

/** A volume of a pod. */
export interface VolumeStats extends FsStats {
  readonly name: string;
  /** The claim that it is from. */
  readonly pvcRef?: { readonly name: string; readonly namespace: string };
}

/** A pod. */
export interface PodStats {
  readonly podRef: { readonly name: string; readonly namespace: string; readonly uid: string };
  readonly startTime: string;
  readonly containers: readonly ContainerStats[];
  readonly cpu?: CpuStats;
  readonly memory?: MemoryStats;
  readonly volume?: readonly VolumeStats[];
  readonly "ephemeral-storage"?: FsStats;
  readonly process_stats?: { readonly process_count: number };
}

/** The machine. */
export interface NodeStats {
  readonly nodeName: string;
  readonly startTime: string;
  readonly cpu?: CpuStats;
  readonly memory?: MemoryStats;
  readonly fs?: FsStats;
  readonly runtime?: { readonly imageFs?: FsStats; readonly containerFs?: FsStats };
  readonly rlimit?: { readonly time: string; readonly maxpid?: number; readonly curproc?: number };
  readonly systemContainers?: readonly ContainerStats[];
}
