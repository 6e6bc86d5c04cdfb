/**
 * What the agent counts of its own work, under a kubelet's names. Whoever does the work hands it what it
 * did; nothing here knows who that is.
 *
 * @module
 */
import {
  POD_START_BOUNDS,
  PULL_BOUNDS,
  REST_BOUNDS,
  RUNTIME_BOUNDS,
  sizeClass,
  STATUS_BOUNDS,
} from "./bounds.ts";
import { NetworkMetrics } from "./network_metrics.ts";
import { PodTimes } from "./pod_times.ts";
import { processFamilies } from "./process_metrics.ts";
import { Registry } from "./registry.ts";
import { ServerMetrics } from "./server_metrics.ts";

/** The part of a pod's status that tells whether its containers have begun. */
interface StatusLike {
  readonly phase?: string;
  readonly containerStatuses?: readonly {
    readonly state: { readonly running?: unknown; readonly terminated?: unknown };
    readonly lastState: { readonly terminated?: unknown };
  }[];
}

/** The page `/metrics`, and everybody's hand to write on it. Times are in ms. */
export class KubeletMetrics {
  readonly registry: Registry = new Registry();
  /** The requests to the node's own API. */
  readonly server: ServerMetrics = new ServerMetrics(this.registry);
  /** What guests ask of their pods' networks. */
  readonly network: NetworkMetrics = new NetworkMetrics(this.registry);
  readonly #times: PodTimes;

  constructor(
    { nodeName, version, nowMs }: {
      readonly nodeName: string;
      readonly version: string;
      nowMs?(): number;
    },
  ) {
    this.#times = new PodTimes(nowMs);
    this.registry.collect(processFamilies);
    this.registry.gauge({
      name: "kubelet_node_name",
      help: "The node's name. The count is always 1.",
      labels: ["node"],
    }).set({ node: nodeName }, 1);
    this.registry.gauge({
      name: "krustlet_build_info",
      help: "Versions of this program and of its runtime. The count is always 1.",
      labels: ["version", "deno", "v8"],
    }).set({ version, deno: Deno.version.deno, v8: Deno.version.v8 }, 1);
  }

  /** A pod is seen, perhaps again. `createdMs` if no agent has begun with it before. */
  podSeen(uid: string, createdMs: number | undefined): void {
    this.#times.seen(uid, createdMs);
  }

  /** A pod has entered a state of its life. */
  podState(uid: string, state: string): void {
    if (state === "registered") {
      const ms = this.#times.registered(uid);
      if (ms !== undefined) this.#workerStart.observe({}, ms / 1000);
    } else if (state === "initializing") {
      this.#times.initializing(uid);
      this.#podsStarted.add({});
    } else if (state === "running") {
      const ms = this.#times.running(uid);
      if (ms !== undefined) this.#worker.observe({ operation_type: "create" }, ms / 1000);
    } else if (state === "finished") this.#times.finished(uid);
    else if (state === "rejecting") this.#podErrors.add({});
    if (state === "rejecting" || state === "terminating") this.#times.dismiss(uid);
    else if (state === "removed") this.#times.forget(uid);
  }

  /** A pod's status was computed. */
  statusSaid({ uid }: { readonly uid: string }, status: StatusLike): void {
    const { phase, containerStatuses: all = [] } = status;
    const begun = phase !== "Pending" &&
      all.every(({ state, lastState }) =>
        (state.running ?? state.terminated ?? lastState.terminated) !== undefined
      );
    const start = begun ? this.#times.started(uid) : undefined;
    if (start === undefined) return;
    this.#podStart.observe({}, start.sinceSeenMs / 1000);
    if (start.sinceCreatedMs !== undefined) {
      this.#podStartTotal.observe({}, start.sinceCreatedMs / 1000);
    }
    if (start.ownMs !== undefined) this.#podStartOwn.observe({}, start.ownMs / 1000);
  }

  /** The cluster has heard a status. */
  statusHeard(ms: number): void {
    this.#statusSync.observe({}, ms / 1000);
  }

  /** An image was downloaded. */
  imagePulled(podUid: string, { ms, bytes }: { ms: number; bytes: number }): void {
    this.#times.pulled(podUid, ms);
    this.#pull.observe({ image_size_in_bytes: sizeClass(bytes) }, ms / 1000);
    this.#operation("pull_image", ms, false);
  }

  /** A run begins. */
  containerStarting(kind: string): void {
    this.#containersStarted.add({ container_type: kind });
  }

  /** Its guest begins. */
  containerStarted(_kind: string, ms: number): void {
    this.#operation("start_container", ms, false);
  }

  /** A run could not begin. */
  containerNotStarted(kind: string, code: string): void {
    this.#containerErrors.add({ container_type: kind, code });
    this.#operationErrors.add({ operation_type: "start_container" });
  }

  /** A run has ended. */
  containerEnded(kind: string, { exitCode, reason }: { exitCode: number; reason: string }): void {
    this.#containersEnded.add({ container_type: kind, exit_code: String(exitCode), reason });
  }

  /** A program beside a container has ended, or could not begin. */
  programRan(ms: number, { failed }: { readonly failed: boolean }): void {
    this.#operation("exec_sync", ms, failed);
  }

  /** A pod was evicted because of this signal. */
  evicted(signal: string): void {
    this.#evictions.add({ eviction_signal: signal });
  }

  /** All containers that run were looked at. */
  looked(ms: number): void {
    const nowMs = performance.now();
    this.#relist.observe({}, ms / 1000);
    if (this.#lastLookMs !== undefined) {
      this.#relistInterval.observe({}, (nowMs - this.#lastLookMs) / 1000);
    }
    this.#lastLookMs = nowMs;
    this.#lastSeen.set({}, Math.round(Date.now() / 1000));
  }

  /** The API server has answered, or has not. */
  answered(
    { method, status, host, ms }: {
      readonly method: string;
      readonly status: number | undefined;
      readonly host: string;
      readonly ms: number;
    },
  ): void {
    const code = status === undefined ? "<error>" : String(status);
    this.#restRequests.add({ code, method, host });
    this.#restDuration.observe({ verb: method, host }, ms / 1000);
  }

  #operation(type: string, ms: number, failed: boolean): void {
    this.#operations.add({ operation_type: type });
    this.#operationDuration.observe({ operation_type: type }, ms / 1000);
    if (failed) this.#operationErrors.add({ operation_type: type });
  }

  #lastLookMs: number | undefined;

  readonly #workerStart = this.registry.histogram({
    name: "kubelet_pod_worker_start_duration_seconds",
    help: "Duration in seconds from kubelet seeing a pod to starting a worker.",
  });
  readonly #worker = this.registry.histogram({
    name: "kubelet_pod_worker_duration_seconds",
    help: "Duration in seconds of everything that is done for a pod before its containers begin.",
    labels: ["operation_type"],
  });
  readonly #podStart = this.registry.histogram({
    name: "kubelet_pod_start_duration_seconds",
    help:
      "Duration in seconds from kubelet seeing a pod for the first time to the pod starting to run",
    bounds: POD_START_BOUNDS,
  });
  readonly #podStartTotal = this.registry.histogram({
    name: "kubelet_pod_start_total_duration_seconds",
    help: "Duration in seconds to start a pod since creation, including time to pull images and \
run init containers",
    bounds: POD_START_BOUNDS,
  });
  readonly #podStartOwn = this.registry.histogram({
    name: "kubelet_pod_start_sli_duration_seconds",
    help: "Duration in seconds to start a pod since creation, excluding time to pull images and \
run init containers",
    bounds: POD_START_BOUNDS,
  });
  readonly #statusSync = this.registry.histogram({
    name: "kubelet_pod_status_sync_duration_seconds",
    help: "Duration in seconds from a change of a pod's status to its update at the API server.",
    bounds: STATUS_BOUNDS,
  });
  readonly #podsStarted = this.registry.counter({
    name: "kubelet_started_pods_total",
    help: "Cumulative number of pods started",
  });
  readonly #podErrors = this.registry.counter({
    name: "kubelet_started_pods_errors_total",
    help: "Cumulative number of pods that could never be started here",
  });
  readonly #containersStarted = this.registry.counter({
    name: "kubelet_started_containers_total",
    help: "Cumulative number of containers started",
    labels: ["container_type"],
  });
  readonly #containerErrors = this.registry.counter({
    name: "kubelet_started_containers_errors_total",
    help: "Cumulative number of errors when starting containers",
    labels: ["container_type", "code"],
  });
  readonly #containersEnded = this.registry.counter({
    name: "kubelet_terminated_containers_total",
    help: "Cumulative number of container terminations.",
    labels: ["container_type", "exit_code", "reason"],
  });
  readonly #operations = this.registry.counter({
    name: "kubelet_runtime_operations_total",
    help: "Cumulative number of runtime operations by operation type.",
    labels: ["operation_type"],
  });
  readonly #operationDuration = this.registry.histogram({
    name: "kubelet_runtime_operations_duration_seconds",
    help: "Duration in seconds of runtime operations. Broken down by operation type.",
    labels: ["operation_type"],
    bounds: RUNTIME_BOUNDS,
  });
  readonly #operationErrors = this.registry.counter({
    name: "kubelet_runtime_operations_errors_total",
    help: "Cumulative number of runtime operation errors by operation type.",
    labels: ["operation_type"],
  });
  readonly #pull = this.registry.histogram({
    name: "kubelet_image_pull_duration_seconds",
    help: "Duration in seconds to pull an image.",
    labels: ["image_size_in_bytes"],
    bounds: PULL_BOUNDS,
  });
  readonly #evictions = this.registry.counter({
    name: "kubelet_evictions",
    help: "Cumulative number of pod evictions by eviction signal",
    labels: ["eviction_signal"],
  });
  readonly #relist = this.registry.histogram({
    name: "kubelet_pleg_relist_duration_seconds",
    help: "Duration in seconds of one look at all containers that run.",
  });
  readonly #relistInterval = this.registry.histogram({
    name: "kubelet_pleg_relist_interval_seconds",
    help: "Interval in seconds between two looks at all containers that run.",
  });
  readonly #lastSeen = this.registry.gauge({
    name: "kubelet_pleg_last_seen_seconds",
    help: "Timestamp in seconds of the last look at all containers that run.",
  });
  readonly #restRequests = this.registry.counter({
    name: "rest_client_requests_total",
    help: "Number of HTTP requests, partitioned by status code, method, and host.",
    labels: ["code", "method", "host"],
  });
  readonly #restDuration = this.registry.histogram({
    name: "rest_client_request_duration_seconds",
    help: "Request latency in seconds. Broken down by verb, and host.",
    labels: ["verb", "host"],
    bounds: REST_BOUNDS,
  });
}
