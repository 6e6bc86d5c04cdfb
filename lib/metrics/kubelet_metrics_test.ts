import assert from "node:assert/strict";
import { parseText } from "./_parse_text.ts";
import { sizeClass } from "./bounds.ts";
import { KubeletMetrics } from "./kubelet_metrics.ts";
import { ProbeMetrics } from "./probe_metrics.ts";
import { formatMetrics } from "./text.ts";

const CREATED_MS = 1_700_000_000_000;
const RUNNING = {
  phase: "Running",
  containerStatuses: [{ state: { running: {} }, lastState: {} }],
};

class World {
  nowMs = CREATED_MS;
  readonly metrics = new KubeletMetrics({
    nodeName: "n",
    version: "1.2.3",
    nowMs: () => this.nowMs,
  });

  /** Lets time pass, in seconds. */
  wait(seconds: number): void {
    this.nowMs += seconds * 1000;
  }

  async value(name: string, labels: Record<string, string> = {}): Promise<number | undefined> {
    const page = parseText(formatMetrics(await this.metrics.registry.families()).body);
    for (const { samples } of page.values()) {
      const found = samples.find((one) =>
        one.name === name &&
        Object.entries(labels).every(([label, value]) => one.labels[label] === value)
      );
      if (found !== undefined) return found.value;
    }
    return undefined;
  }
}

Deno.test("KubeletMetrics tells a pod's start without its pulls and init containers", async () => {
  const world = new World();
  const { metrics } = world;
  world.wait(1);
  metrics.podSeen("a", CREATED_MS);
  world.wait(2);
  metrics.podState("a", "registered");
  metrics.podState("a", "mounting");
  world.wait(1);
  metrics.podState("a", "initializing");
  world.wait(10);
  metrics.imagePulled("a", { ms: 6_000, bytes: 20 * 1024 * 1024 });
  world.wait(10);
  metrics.podState("a", "running");
  world.wait(5);
  metrics.imagePulled("a", { ms: 5_000, bytes: 1 });
  world.wait(1);
  metrics.statusSaid({ uid: "a" }, { ...RUNNING, phase: "Pending" });
  assert.equal(await world.value("kubelet_pod_start_duration_seconds_count"), 0);
  metrics.statusSaid({ uid: "a" }, RUNNING);
  metrics.podSeen("a", CREATED_MS);
  metrics.statusSaid({ uid: "a" }, RUNNING);
  assert.equal(await world.value("kubelet_pod_worker_start_duration_seconds_sum"), 2);
  assert.equal(await world.value("kubelet_pod_worker_duration_seconds_sum"), 21);
  assert.equal(await world.value("kubelet_pod_start_duration_seconds_sum"), 29);
  assert.equal(await world.value("kubelet_pod_start_duration_seconds_count"), 1);
  assert.equal(await world.value("kubelet_pod_start_total_duration_seconds_sum"), 30);
  assert.equal(await world.value("kubelet_pod_start_sli_duration_seconds_sum"), 5);
  assert.equal(await world.value("kubelet_started_pods_total"), 1);
});

Deno.test("KubeletMetrics tells no start of what had begun before, or never does", async () => {
  const world = new World();
  const { metrics } = world;
  for (const [uid, state] of [["done", "finished"], ["no", "rejecting"], ["gone", "terminating"]]) {
    metrics.podSeen(uid!, undefined);
    metrics.podState(uid!, "registered");
    metrics.podState(uid!, state!);
    metrics.statusSaid({ uid: uid! }, RUNNING);
  }
  assert.equal(await world.value("kubelet_pod_start_duration_seconds_count"), 0);
  metrics.podSeen("again", undefined);
  metrics.podState("again", "registered");
  metrics.statusSaid({ uid: "again" }, RUNNING);
  assert.equal(await world.value("kubelet_pod_start_duration_seconds_count"), 1);
  assert.equal(await world.value("kubelet_pod_start_total_duration_seconds_count"), 0);
  assert.equal(await world.value("kubelet_started_pods_errors_total"), 1);
});

Deno.test("KubeletMetrics counts containers, operations, answers and evictions", async () => {
  const world = new World();
  const { metrics } = world;
  metrics.containerStarting("init_container");
  metrics.containerStarted("init_container", 20);
  metrics.containerEnded("init_container", { exitCode: 3, reason: "Error" });
  metrics.containerNotStarted("container", "CreateContainerError");
  metrics.programRan(5, { failed: true });
  metrics.evicted("memory.available");
  metrics.answered({ method: "GET", status: 200, host: "h:1", ms: 3 });
  metrics.answered({ method: "GET", status: undefined, host: "h:1", ms: 3 });
  const ended = { container_type: "init_container", exit_code: "3", reason: "Error" };
  assert.equal(await world.value("kubelet_terminated_containers_total", ended), 1);
  const failed = { container_type: "container", code: "CreateContainerError" };
  assert.equal(await world.value("kubelet_started_containers_errors_total", failed), 1);
  const exec = { operation_type: "exec_sync" };
  assert.equal(await world.value("kubelet_runtime_operations_errors_total", exec), 1);
  assert.equal(await world.value("kubelet_runtime_operations_duration_seconds_sum", exec), 0.005);
  const short = { eviction_signal: "memory.available" };
  assert.equal(await world.value("kubelet_evictions", short), 1);
  assert.equal(await world.value("rest_client_requests_total", { code: "<error>" }), 1);
});

Deno.test("KubeletMetrics.server counts requests by a kubelet's words, whatever is asked", async () => {
  const world = new World();
  const { server } = world.metrics;
  const over = server.began("GET", "/containerLogs/a/b/c");
  const labels = { path: "containerLogs", method: "GET", long_running: "false" };
  assert.equal(await world.value("kubelet_http_inflight_requests", labels), 1);
  over();
  assert.equal(await world.value("kubelet_http_inflight_requests", labels), 0);
  assert.equal(await world.value("kubelet_http_requests_duration_seconds_count", labels), 1);
  for (let n = 0; n < 50; n++) server.began("X" + n, `/made-up-${n}/x`)();
  server.began("GET", "/metrics/resource")();
  server.began("POST", "/exec/a/b/c")();
  const other = { path: "other", method: "other" };
  assert.equal(await world.value("kubelet_http_requests_total", other), 50);
  const resource = { path: "metrics/resource" };
  assert.equal(await world.value("kubelet_http_requests_total", resource), 1);
  const exec = { path: "exec", long_running: "true" };
  assert.equal(await world.value("kubelet_http_requests_total", exec), 1);
});

Deno.test("ProbeMetrics forgets the pods that are gone", async () => {
  const probes = new ProbeMetrics();
  const pod = { namespace: "ns", name: "web", uid: "u-1" };
  const other = { ...pod, name: "other", uid: "u-2" };
  probes.probed({ kind: "liveness", result: "failure", container: "c", pod }, 10);
  probes.probed({ kind: "startup", result: "warning", container: "c", pod: other }, 10);
  probes.probed({ kind: "readiness", result: "error", container: "c", pod: other }, 10);
  const read = async (): Promise<string[]> => {
    const page = parseText(formatMetrics(await probes.registry.families()).body);
    return page.get("prober_probe_total")!.samples.map(({ labels }) =>
      `${labels["probe_type"]} ${labels["result"]} ${labels["pod_uid"]}`
    );
  };
  assert.deepEqual(await read(), [
    "Liveness failed u-1",
    "Startup successful u-2",
    "Readiness unknown u-2",
  ]);
  probes.forget(pod);
  assert.deepEqual(await read(), ["Startup successful u-2", "Readiness unknown u-2"]);
  const page = parseText(formatMetrics(await probes.registry.families()).body);
  const durations = page.get("prober_probe_duration_seconds")!.samples;
  assert.ok(durations.every(({ labels }) => labels["pod"] === "other"));
  assert.ok(page.has("process_start_time_seconds"));
});

Deno.test("sizeClass() names an image's size as a kubelet does", () => {
  const cases: [number, string][] = [
    [0, "N/A"],
    [1, "0-10MB"],
    [10 * 2 ** 20, "0-10MB"],
    [10 * 2 ** 20 + 1, "10MB-100MB"],
    [2 ** 30 + 1, "1GB-5GB"],
    [2 ** 40, "GT100GB"],
  ];
  for (const [bytes, name] of cases) assert.equal(sizeClass(bytes), name);
});
