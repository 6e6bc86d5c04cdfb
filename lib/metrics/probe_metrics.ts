/**
 * The page `/metrics/probes`: what containers answered to their probes.
 *
 * @module
 */
import { startTimeFamily } from "./process_metrics.ts";
import { Registry } from "./registry.ts";

/** One attempt of a probe. */
export interface ProbeAttempt {
  readonly kind: "startup" | "liveness" | "readiness";
  readonly result: "success" | "warning" | "failure" | "error";
  readonly container: string;
  readonly pod: { readonly namespace: string; readonly name: string; readonly uid: string };
}

const TYPES = { startup: "Startup", liveness: "Liveness", readiness: "Readiness" } as const;
const RESULTS = {
  success: "successful",
  warning: "successful",
  failure: "failed",
  error: "unknown",
} as const;
/** Three results of three probes, for many containers of all pods that a node can have. */
const PROBE_SERIES_MAX = 10_000;

/** Counts probes, for as long as their pods are here. */
export class ProbeMetrics {
  readonly registry: Registry = new Registry();
  readonly #total = this.registry.counter({
    name: "prober_probe_total",
    help: "Cumulative number of a liveness, readiness or startup probe for a container by result.",
    labels: ["probe_type", "result", "container", "pod", "namespace", "pod_uid"],
    seriesMax: PROBE_SERIES_MAX,
  });
  readonly #duration = this.registry.histogram({
    name: "prober_probe_duration_seconds",
    help: "Duration in seconds for a probe response.",
    labels: ["probe_type", "container", "pod", "namespace"],
    seriesMax: PROBE_SERIES_MAX,
  });

  constructor() {
    this.registry.collect(() => [startTimeFamily()]);
  }

  /** A container has answered, or has not. */
  probed({ kind, result, container, pod }: ProbeAttempt, ms: number): void {
    const of = { probe_type: TYPES[kind], container, pod: pod.name, namespace: pod.namespace };
    this.#total.add({ ...of, result: RESULTS[result], pod_uid: pod.uid });
    if (result !== "error") this.#duration.observe(of, ms / 1000);
  }

  /** Drops what belongs to a pod that is gone. */
  forget({ namespace, name, uid }: ProbeAttempt["pod"]): void {
    this.#total.remove({ pod_uid: uid });
    this.#duration.remove({ pod: name, namespace });
  }
}
