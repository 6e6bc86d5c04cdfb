/**
 * Makes the answer of `/stats/summary` out of what was measured. Nothing is looked at here.
 *
 * @module
 */
import type { Pod } from "../api/types.ts";
import { diskBytes } from "../eviction/local_storage.ts";
import { parseQuantity, quantityBytes } from "../quantity.ts";
import { kubeTime } from "../time.ts";
import type { ClaimedDisk } from "./claimed_disks.ts";
import type { DiskReading } from "./node_reading.ts";
import type { MeasuredDisk } from "./pod_disks.ts";
import type { ContainerSample, PodSample, Usage, UsageSample } from "./sampler.ts";
import type {
  ContainerStats,
  CpuStats,
  FsStats,
  MemoryStats,
  NodeStats,
  PodStats,
  Summary,
  VolumeStats,
} from "./summary_types.ts";

/** What a summary is made of. */
export interface SummaryFacts {
  readonly nodeName: string;
  /** When the machine began, in ms since 1970. */
  readonly bootMs: number;
  /** When the agent began. */
  readonly agentStartedMs: number;
  readonly usage: UsageSample;
  /** CPU and memory of the agent itself. */
  readonly agent: Usage;
  /** Absent if nobody wants to know of disks. */
  readonly disks?: DiskFacts;
  /** Processes of the machine, and how many there can be. */
  readonly pids?: { readonly now: number; readonly max: number };
}

/** What is known of disks. */
export interface DiskFacts {
  /** The filesystem of the pods; absent if it cannot be looked at. */
  readonly node: DiskReading | undefined;
  /** That of the images, and what images take of it. */
  readonly images: { readonly disk: DiskReading | undefined; readonly usedBytes: number };
  readonly pods: ReadonlyMap<string, MeasuredDisk>;
  /** Volumes from claims, by the pod's UID. */
  readonly claims: ReadonlyMap<string, readonly ClaimedDisk[]>;
}

/** The summary. What nobody could measure is left out, so that nobody takes it for 0. */
export function summaryOf(facts: SummaryFacts): Summary {
  return {
    node: nodeStats(facts),
    pods: facts.usage.pods
      .filter(({ containers }) => containers.length > 0)
      .map((sample) => podStats(sample, facts)),
  };
}

function nodeStats(facts: SummaryFacts): NodeStats {
  const { nodeName, bootMs, agentStartedMs, usage: { atMs, node, pods }, disks, pids } = facts;
  const time = kubeTime(atMs);
  const totals = pods.flatMap(({ total }) => total ?? []);
  return {
    nodeName,
    systemContainers: [
      { name: "kubelet", startTime: kubeTime(agentStartedMs), ...usageStats(facts.agent) },
      { name: "pods", startTime: kubeTime(bootMs), ...usageStats(sumOf(totals, atMs)) },
    ],
    startTime: kubeTime(bootMs),
    ...usageStats({ ...node, residentBytes: node.memoryBytes ?? 0 }, node.memory.availableBytes),
    ...(disks === undefined ? {} : diskStats(disks, time)),
    ...(pids === undefined ? {} : { rlimit: { time, maxpid: pids.max, curproc: pids.now } }),
  };
}

function diskStats({ node, images, pods }: DiskFacts, time: string): Partial<NodeStats> {
  const written = [...pods.values()].flatMap(({ disk }) => [...disk.containers.values()]);
  return {
    ...(node === undefined ? {} : { fs: fsStats(node, { time }) }),
    runtime: {
      ...(images.disk === undefined
        ? {}
        : { imageFs: fsStats(images.disk, { time, usedBytes: images.usedBytes }) }),
      ...(node === undefined ? {} : {
        containerFs: fsStats(node, { time, usedBytes: written.reduce((a, b) => a + b, 0) }),
      }),
    },
  };
}

function podStats(
  { pod, containers, total }: PodSample,
  { disks, usage }: SummaryFacts,
): PodStats {
  const { name = "", namespace = "", uid = "" } = pod.metadata ?? {};
  const measured = disks?.pods.get(uid);
  const shown = total === undefined ? {} : usageStats(total);
  return {
    podRef: { name, namespace, uid },
    startTime: pod.status?.startTime ?? kubeTime(usage.atMs),
    containers: containers.map((one) => containerStats(one, pod, { disks, measured })),
    ...shown,
    ...(disks === undefined ? {} : volumesOf(pod, disks, measured)),
    ...(disks?.node === undefined || measured === undefined ? {} : {
      "ephemeral-storage": {
        ...fsStats(disks.node, {
          time: kubeTime(measured.atMs),
          usedBytes: diskBytes(pod, measured.disk),
        }),
        inodesUsed: measured.disk.inodes,
      },
    }),
    ...(total?.processes === undefined
      ? {}
      : { process_stats: { process_count: total.processes } }),
  };
}

function containerStats(
  sample: ContainerSample,
  pod: Pod,
  { disks, measured }: {
    readonly disks: DiskFacts | undefined;
    readonly measured: MeasuredDisk | undefined;
  },
): ContainerStats {
  const { status: { name }, startedMs, memoryBytes } = sample;
  const limit = memoryLimit(pod, name);
  const left = limit === undefined || memoryBytes === undefined
    ? undefined
    : Math.max(0, limit - memoryBytes);
  return {
    name,
    startTime: kubeTime(startedMs),
    ...usageStats(sample, left),
    ...(disks?.node === undefined || measured === undefined
      ? {}
      : writtenBy(name, disks.node, measured)),
  };
}

function writtenBy(
  name: string,
  node: DiskReading,
  { atMs, disk }: MeasuredDisk,
): Pick<ContainerStats, "rootfs" | "logs"> {
  const time = kubeTime(atMs);
  const all = disk.containers.get(name);
  if (all === undefined) return {};
  const logs = disk.logs?.get(name) ?? 0;
  return {
    rootfs: fsStats(node, { time, usedBytes: all - logs }),
    logs: fsStats(node, { time, usedBytes: logs }),
  };
}

function volumesOf(
  pod: Pod,
  { node, claims }: DiskFacts,
  measured: MeasuredDisk | undefined,
): Pick<PodStats, "volume"> {
  const { uid = "", namespace = "" } = pod.metadata ?? {};
  const own = node === undefined || measured === undefined ? [] : [...measured.disk.volumes];
  const volume: VolumeStats[] = [
    ...own.map(([name, usedBytes]) => ({
      ...fsStats(node!, { time: kubeTime(measured!.atMs), usedBytes }),
      name,
    })),
    ...(claims.get(uid) ?? []).map(({ volume: name, claim, disk, atMs }) => ({
      ...fsStats(disk, { time: kubeTime(atMs) }),
      ...(disk.inodes === undefined || disk.inodesFree === undefined
        ? {}
        : { inodesUsed: disk.inodes - disk.inodesFree }),
      name,
      pvcRef: { name: claim, namespace },
    })),
  ];
  return volume.length === 0 ? {} : { volume };
}

function usageStats(
  usage: Usage,
  availableBytes?: number,
): { readonly cpu?: CpuStats; readonly memory?: MemoryStats } {
  const time = kubeTime(usage.atMs);
  const { cpuNanos, nanoCores, memoryBytes, residentBytes } = usage;
  return {
    ...(cpuNanos === undefined ? {} : {
      cpu: {
        time,
        ...(nanoCores === undefined ? {} : { usageNanoCores: nanoCores }),
        usageCoreNanoSeconds: cpuNanos,
      },
    }),
    ...(memoryBytes === undefined ? {} : {
      memory: {
        time,
        ...(availableBytes === undefined ? {} : { availableBytes }),
        usageBytes: residentBytes ?? memoryBytes,
        workingSetBytes: memoryBytes,
        rssBytes: memoryBytes,
      },
    }),
  };
}

function sumOf(usages: readonly Usage[], atMs: number): Usage {
  const sum = (of: (usage: Usage) => number | undefined): number =>
    usages.reduce((total, usage) => total + (of(usage) ?? 0), 0);
  return {
    atMs,
    cpuNanos: sum(({ cpuNanos }) => cpuNanos),
    nanoCores: sum(({ nanoCores }) => nanoCores),
    memoryBytes: sum(({ memoryBytes }) => memoryBytes),
    residentBytes: sum(({ residentBytes }) => residentBytes),
  };
}

function fsStats(
  disk: DiskReading,
  { time, usedBytes = disk.usedBytes }: { readonly time: string; readonly usedBytes?: number },
): FsStats {
  const { capacityBytes, availableBytes, inodes, inodesFree } = disk;
  return {
    time,
    availableBytes,
    capacityBytes,
    usedBytes,
    ...(inodes === undefined || inodesFree === undefined ? {} : { inodesFree, inodes }),
  };
}

function memoryLimit({ spec }: Pod, name: string): number | undefined {
  const all = [...spec?.containers ?? [], ...spec?.initContainers ?? []];
  const text = all.find((one) => one.name === name)?.resources?.limits?.["memory"];
  return text === undefined ? undefined : quantityBytes(parseQuantity(text));
}
