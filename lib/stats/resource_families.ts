/**
 * The page `/metrics/resource` (KEP-727), which metrics-server reads.
 *
 * @module
 */
import type { Family, Sample } from "../metrics/family.ts";
import type { ContainerSample, Usage, UsageSample } from "./sampler.ts";

/** The page of a look at everything, or of one that failed (`undefined`). */
export function resourceFamilies(sample: UsageSample | undefined): Family[] {
  const failed = sample === undefined ? 1 : 0;
  const scrape = (name: string): Family => ({
    name,
    type: "gauge",
    help: "1 if there was an error while getting container metrics, 0 otherwise",
    samples: [{ labels: {}, value: failed }],
  });
  return [
    ...sample === undefined ? [] : usageFamilies(sample),
    scrape("resource_scrape_error"),
    scrape("scrape_error"),
  ];
}

function usageFamilies({ node, pods }: UsageSample): Family[] {
  const containers = pods.flatMap(({ pod, containers }) =>
    containers.map((one) => ({ ...one, labels: { container: one.status.name, ...labelsOf(pod) } }))
  );
  const totals = pods.flatMap(({ pod, total }) =>
    total === undefined ? [] : [{ ...total, labels: labelsOf(pod) }]
  );
  return [
    counter(
      "container_cpu_usage_seconds_total",
      "Cumulative cpu time consumed by the container in core-seconds",
      containers.flatMap(cpuSample),
    ),
    gauge(
      "container_memory_working_set_bytes",
      "Current working set of the container in bytes",
      containers.flatMap(memorySample),
    ),
    gauge(
      "container_start_time_seconds",
      "Start time of the container since unix epoch in seconds",
      containers.map(({ labels, startedMs }) => ({ labels, value: startedMs / 1000 })),
    ),
    counter(
      "node_cpu_usage_seconds_total",
      "Cumulative cpu time consumed by the node in core-seconds",
      cpuSample({ ...node, labels: {} }),
    ),
    gauge(
      "node_memory_working_set_bytes",
      "Current working set of the node in bytes",
      memorySample({ ...node, labels: {} }),
    ),
    counter(
      "pod_cpu_usage_seconds_total",
      "Cumulative cpu time consumed by the pod in core-seconds",
      totals.flatMap(cpuSample),
    ),
    gauge(
      "pod_memory_working_set_bytes",
      "Current working set of the pod in bytes",
      totals.flatMap(memorySample),
    ),
  ];
}

type Labelled = (Usage | ContainerSample) & Pick<Sample, "labels">;

function cpuSample({ labels, cpuNanos, atMs }: Labelled): Sample[] {
  return cpuNanos === undefined ? [] : [{ labels, value: cpuNanos / 1e9, atMs }];
}

function memorySample({ labels, memoryBytes, atMs }: Labelled): Sample[] {
  return memoryBytes === undefined ? [] : [{ labels, value: memoryBytes, atMs }];
}

/** In the order in which a kubelet has them. */
function labelsOf(
  { metadata }: { readonly metadata?: { readonly namespace?: string; readonly name?: string } },
): { namespace: string; pod: string } {
  return { namespace: metadata?.namespace ?? "", pod: metadata?.name ?? "" };
}

function counter(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, type: "counter", help, samples };
}

function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, type: "gauge", help, samples };
}
