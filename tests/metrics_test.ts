/** What a node tells of itself and of what its pods use. */
import assert from "node:assert/strict";
import { eventually } from "./harness/eventually.ts";
import { lintMetrics } from "./harness/metrics_lint.ts";
import { freePort } from "./harness/ports.ts";
import { type Scene, useTestbed } from "./harness/testbed.ts";
import { waitGone, waitRunning } from "./harness/wait_pod.ts";

const healthzPort = freePort();
const scenario = useTestbed({ args: ["--healthz-port", String(healthzPort)] });
/** Two looks are ten seconds apart; a busy machine may take longer. */
const MEASURED_MS_MAX = 90_000;

/** A page of the node, by the API server. */
async function page({ cluster, node }: Scene, path: string): Promise<string> {
  return await cluster.kubectl(["get", "--raw", `/api/v1/nodes/${node.nodeName}/proxy${path}`]);
}

/** The samples of a metric by their labels, in the order in which they stand there. */
function samples(text: string, name: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const line of text.split("\n")) {
    const [, labels = "", value] = new RegExp(`^${name}(?:\\{(.*?)\\})? (\\S+)`).exec(line) ?? [];
    if (value !== undefined) found.set(labels, Number(value));
  }
  return found;
}

/** The labels of a container's samples. */
function of({ namespace }: Scene, pod: string): string {
  return `container="main",namespace="${namespace}",pod="${pod}"`;
}

interface Summary {
  readonly node: Readonly<Record<string, unknown>> & { readonly fs?: { capacityBytes: number } };
  readonly pods: readonly {
    readonly podRef: { readonly name: string; readonly namespace: string };
    readonly cpu?: { readonly usageNanoCores?: number; readonly usageCoreNanoSeconds?: number };
    readonly containers: readonly {
      readonly memory?: Readonly<Record<string, number>>;
      readonly rootfs?: { readonly usedBytes: number };
      readonly logs?: { readonly usedBytes: number };
    }[];
    readonly "ephemeral-storage"?: { readonly usedBytes: number };
  }[];
}

scenario("the node measures a busy pod and an idle one", async (scene) => {
  const busy = await scene.pod({
    name: "busy",
    containers: [{ image: await scene.image("spin") }],
  });
  const idle = await scene.pod({
    name: "idle",
    containers: [{ image: await scene.image("sleep") }],
  });
  await Promise.all([busy, idle].map((ref) => waitRunning(scene.cluster, ref)));

  const cpu = async (): Promise<{ busy: number; idle: number; node: number; text: string }> => {
    const text = await page(scene, "/metrics/resource");
    const seconds = samples(text, "container_cpu_usage_seconds_total");
    return {
      busy: seconds.get(of(scene, "busy")) ?? 0,
      idle: seconds.get(of(scene, "idle")) ?? 0,
      node: samples(text, "node_cpu_usage_seconds_total").get("") ?? 0,
      text,
    };
  };
  const first = await cpu();
  const later = await eventually("the busy pod to use a second of CPU time", async () => {
    const now = await cpu();
    return now.busy - first.busy > 1 ? now : undefined;
  }, { withinMs: MEASURED_MS_MAX });
  assert.ok(later.idle - first.idle < 0.5, `the idle pod used ${later.idle - first.idle} s`);
  assert.ok(later.node - first.node > 0.9, "what pods use is a part of what the node uses");
  const memory = samples(later.text, "container_memory_working_set_bytes");
  assert.ok(memory.get(of(scene, "idle"))! > 2 ** 20);
  assert.equal(samples(later.text, "scrape_error").get(""), 0);
  assert.equal(samples(later.text, "resource_scrape_error").get(""), 0);
  const started = samples(later.text, "container_start_time_seconds").get(of(scene, "busy"))!;
  assert.ok(Math.abs(Date.now() / 1000 - started) < 300);

  const summary = await eventually("the summary to tell rates and disks", async () => {
    const now: Summary = JSON.parse(await page(scene, "/stats/summary"));
    const pod = now.pods.find(({ podRef }) => podRef.name === "busy")!;
    const complete = pod.cpu?.usageNanoCores !== undefined && pod.containers[0]?.rootfs;
    return complete ? { now, pod } : undefined;
  }, { withinMs: MEASURED_MS_MAX });
  assert.equal(summary.now.node["nodeName"], scene.node.nodeName);
  assert.ok(summary.now.node.fs!.capacityBytes > 0);
  // As much of a CPU as a busy machine leaves it, and never much more than one.
  const { usageNanoCores } = summary.pod.cpu!;
  assert.ok(usageNanoCores! > 1e8 && usageNanoCores! < 1.3e9, `${usageNanoCores}`);
  assert.ok(summary.pod["ephemeral-storage"] !== undefined);
  const brief: Summary = JSON.parse(
    await page(scene, "/stats/summary?only_cpu_and_memory=true"),
  );
  assert.equal(brief.node.fs, undefined);
  assert.equal(brief.pods.find(({ podRef }) => podRef.name === "busy")?.containers.length, 1);

  const cadvisor = await page(scene, "/metrics/cadvisor");
  assert.match(
    cadvisor,
    /^container_cpu_usage_seconds_total\{container="main",id="\/[0-9a-f]{64}"/m,
  );
  await scene.kubectl("delete", "pod", "busy", "idle", "--grace-period=0", "--force");
  await waitGone(scene.cluster, busy);
  await eventually(
    "nothing to be told of a pod that is gone",
    async () => (await cpu()).busy === 0,
    {
      withinMs: MEASURED_MS_MAX,
    },
  );
});

scenario("the node counts its own work by a kubelet's names", async (scene) => {
  const image = await scene.image("sleep");
  const probe = { exec: { command: ["true"] }, periodSeconds: 1 };
  const ref = await scene.pod({ name: "probed", containers: [{ image, livenessProbe: probe }] });
  await waitRunning(scene.cluster, ref);
  const probed = await eventually("a probe to be counted", async () => {
    const text = await page(scene, "/metrics/probes");
    const counts = [...samples(text, "prober_probe_total")];
    return counts.find(([labels]) => labels.includes(`pod="probed"`));
  });
  assert.match(probed[0], /^probe_type="Liveness",result="(successful|failed)",container="main"/);
  const text = await page(scene, "/metrics");
  const one = (name: string, labels = ""): number => samples(text, name).get(labels) ?? NaN;
  assert.equal(one("kubelet_node_name", `node="${scene.node.nodeName}"`), 1);
  assert.ok(one("kubelet_running_pods") >= 1);
  assert.ok(one("kubelet_running_containers", 'container_state="running"') >= 1);
  assert.ok(one("kubelet_started_containers_total", 'container_type="container"') >= 1);
  assert.ok(one("kubelet_pod_start_duration_seconds_count") >= 1);
  assert.ok(one("kubelet_pod_start_sli_duration_seconds_count") >= 1);
  assert.ok(one("kubelet_pod_worker_start_duration_seconds_count") >= 1);
  assert.ok(one("kubelet_pod_status_sync_duration_seconds_count") >= 1);
  assert.ok(one("kubelet_pleg_relist_duration_seconds_count") >= 1);
  assert.ok(one("process_cpu_seconds_total") > 0);
  assert.ok(one("kubelet_certificate_manager_server_ttl_seconds") > 60);
  assert.ok(one("kubelet_certificate_manager_client_ttl_seconds") > 60);
  assert.match(text, /^kubelet_http_requests_total\{method="GET",path="metrics\/probes",/m);
  assert.match(
    text,
    /^rest_client_requests_total\{code="200",method="GET",host="127.0.0.1:\d+"\} /m,
  );
  assert.match(text, /^krustlet_warm_processes \d+$/m);
});

/** A kubelet's own names, which monitors ask for: the linter would have them end in `_total`. */
const COUNTERS_WITHOUT_TOTAL = [
  "kubelet_certificate_manager_client_expiration_renew_errors",
  "kubelet_server_expiration_renew_errors",
].map((name) => `${name}: counter metrics should have "_total" suffix`);

scenario(
  "Prometheus reads every page of metrics, and its linter finds fault with a kubelet's names alone",
  async (scene) => {
    const image = await scene.image("sleep");
    const probe = { exec: { command: ["true"] }, periodSeconds: 1 };
    const ref = await scene.pod({ name: "linted", containers: [{ image, livenessProbe: probe }] });
    await waitRunning(scene.cluster, ref);
    await eventually("a probe and a measurement to be told", async () => {
      const probes = samples(await page(scene, "/metrics/probes"), "prober_probe_total");
      const cpu = samples(
        await page(scene, "/metrics/resource"),
        "container_cpu_usage_seconds_total",
      );
      return [...probes.keys()].some((key) => key.includes(`pod="linted"`)) &&
        cpu.has(of(scene, "linted"));
    }, { withinMs: MEASURED_MS_MAX });
    const rows = { "": 30, "/resource": 5, "/cadvisor": 5, "/probes": 1 };
    const found: string[] = [];
    for (const [path, least] of Object.entries(rows)) {
      const { families, problems } = await lintMetrics(await page(scene, `/metrics${path}`));
      assert.ok(families >= least, `/metrics${path} has ${families} families`);
      found.push(...problems.map(({ metric, text }) => `${metric}: ${text}`));
    }
    assert.deepEqual(found, COUNTERS_WITHOUT_TOTAL);
  },
);

scenario("the node says how it is set up", async (scene) => {
  const { kubeletconfig } = JSON.parse(await page(scene, "/configz"));
  assert.equal(kubeletconfig.healthzPort, healthzPort);
  assert.equal(kubeletconfig.port, scene.node.port);
  assert.match(await page(scene, "/flagz"), new RegExp(`^healthz-port=${healthzPort}$`, "m"));
  assert.match(await page(scene, "/statusz"), /^kubelet statusz$/m);
  await assert.rejects(page(scene, "/logs/"), /MethodNotAllowed|not allow/);
  const health = await fetch(`http://127.0.0.1:${healthzPort}/healthz`);
  assert.deepEqual([health.status, await health.text()], [200, "ok"]);
});
