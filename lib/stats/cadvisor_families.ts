/**
 * The page `/metrics/cadvisor`: what dashboards and alerts of Kubernetes look for, as far as guests have
 * it. They have no blocks, no interfaces and no cgroup to tell of.
 *
 * @module
 */
import type { Pod } from "../api/types.ts";
import type { Family, Labels, Sample } from "../metrics/family.ts";
import { parseQuantity, quantityBytes } from "../quantity.ts";
import type { MeasuredDisk } from "./pod_disks.ts";
import type { ContainerSample, UsageSample } from "./sampler.ts";

/** What the page is made of. */
export interface CadvisorFacts {
  readonly usage: UsageSample;
  /** What is known of pods' disks, by UID. */
  readonly disks: ReadonlyMap<string, MeasuredDisk>;
  readonly machine: { readonly cpus: number; readonly memoryBytes: number };
}

interface Labelled extends ContainerSample {
  readonly labels: Labels;
  readonly pod: Pod;
}

/** The page. */
export function cadvisorFamilies({ usage, disks, machine }: CadvisorFacts): Family[] {
  const all = usage.pods.flatMap(({ pod, containers }) =>
    containers.map((one): Labelled => ({ ...one, pod, labels: labelsOf(pod, one) }))
  );
  const each = (
    [name, type, help]: readonly [string, Family["type"], string],
    valueOf: (one: Labelled) => number | undefined,
  ): Family => {
    const samples = all.flatMap((one): Sample[] => {
      const value = valueOf(one);
      return value === undefined ? [] : [{ labels: one.labels, value, atMs: one.atMs }];
    });
    return { name, type, help, samples };
  };
  return [
    each(
      ["container_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed in seconds."],
      ({ cpuNanos }) => cpuNanos === undefined ? undefined : cpuNanos / 1e9,
    ),
    each(
      ["container_memory_working_set_bytes", "gauge", "Current working set in bytes."],
      ({ memoryBytes }) => memoryBytes,
    ),
    each(
      ["container_memory_rss", "gauge", "Size of RSS in bytes."],
      ({ memoryBytes }) => memoryBytes,
    ),
    each(
      [
        "container_memory_usage_bytes",
        "gauge",
        "Current memory usage in bytes, including all memory regardless of when it was accessed",
      ],
      ({ residentBytes }) => residentBytes,
    ),
    each(
      ["container_fs_usage_bytes", "gauge", "Number of bytes that are consumed by the container."],
      ({ pod, status }) => disks.get(pod.metadata?.uid ?? "")?.disk.containers.get(status.name),
    ),
    each(
      ["container_processes", "gauge", "Number of processes running inside the container."],
      ({ processes }) => processes,
    ),
    each(
      [
        "container_start_time_seconds",
        "gauge",
        "Start time of the container since unix epoch in seconds.",
      ],
      ({ startedMs }) => startedMs / 1000,
    ),
    each(
      [
        "container_last_seen",
        "gauge",
        "Last time this container was seen by the exporter",
      ],
      ({ atMs }) => Math.round(atMs / 1000),
    ),
    each(
      ["container_spec_memory_limit_bytes", "gauge", "Memory limit for the container."],
      memoryLimit,
    ),
    machineGauge("machine_cpu_cores", "Number of logical CPU cores.", machine.cpus),
    machineGauge(
      "machine_memory_bytes",
      "Amount of memory installed on the machine.",
      machine.memoryBytes,
    ),
  ];
}

function machineGauge(name: string, help: string, value: number): Family {
  return { name, type: "gauge", help, samples: [{ labels: {}, value }] };
}

function labelsOf({ metadata }: Pod, { status }: ContainerSample): Labels {
  const { name = "", namespace = "" } = metadata ?? {};
  const id = status.containerID?.split("://")[1] ?? "";
  return {
    container: status.name,
    id: `/${id}`,
    image: status.image,
    name: id,
    namespace,
    pod: name,
  };
}

/** 0 is none, as there. */
function memoryLimit({ pod: { spec }, status }: Labelled): number {
  const all = [
    ...spec?.containers ?? [],
    ...spec?.initContainers ?? [],
    ...spec?.ephemeralContainers ?? [],
  ];
  const text = all.find(({ name }) => name === status.name)?.resources?.limits?.["memory"];
  return text === undefined ? 0 : quantityBytes(parseQuantity(text));
}
