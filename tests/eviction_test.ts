/** A node that becomes short of memory, and stays so. */
import assert from "node:assert/strict";
import { eventually } from "./harness/eventually.ts";
import { conditionOf } from "./harness/objects.ts";
import { useTestbed } from "./harness/testbed.ts";
import { waitEnded, waitEvent, waitRunning } from "./harness/wait_pod.ts";

const config = await Deno.makeTempFile({ prefix: "krustlet-eviction-", suffix: ".json" });
await Deno.writeTextFile(config, "{}");
const scenario = useTestbed({ args: ["--config", config] });
Deno.test.afterAll(async () => {
  await Deno.remove(config);
});
/** Longer than a round of evictions takes, and the end of the pod. */
const EVICTED_MS_MAX = 60_000;

scenario("a critical pod that finds no room ends one of less importance", async (scene) => {
  const { cluster, node } = scene;
  const image = await scene.image("sleep");
  const wish = (name: string, millis: number, spec: object) =>
    scene.pod({
      name,
      containers: [{ image, resources: { requests: { cpu: `${millis}m` } } }],
      restartPolicy: "Always",
      spec: { nodeName: node.nodeName, terminationGracePeriodSeconds: 1, ...spec },
    });
  const text = (await node.node())!.status.allocatable?.["cpu"] ?? "";
  const millis = text.endsWith("m") ? Number.parseInt(text) : Number(text) * 1_000;
  const modest = await wish("modest", millis - 50, {});
  await waitRunning(cluster, modest);
  const priorityClassName = "system-cluster-critical";
  const critical = await wish("critical", 100, { priorityClassName });
  const preempted = await waitEnded(cluster, modest, "Failed", EVICTED_MS_MAX);
  assert.equal(preempted.status.reason, "Preempting");
  assert.equal(preempted.status.message, "Preempted in order to admit critical pod");
  const target = conditionOf(preempted, "DisruptionTarget");
  assert.deepEqual([target?.status, target?.reason], ["True", "TerminationByKubelet"]);
  await waitEvent(cluster, modest, { reason: "Preempting" });
  await waitRunning(cluster, critical);
  await scene.kubectl("delete", "pod", "--all");
});

scenario(
  "a node that is short of memory ends pods, and takes none that ask for nothing",
  async (scene) => {
    const { cluster, node } = scene;
    await Deno.writeTextFile(config, '{"evictionHard": {"memory.available": "99%"}}');
    await node.end("SIGTERM");
    await node.restart();
    await eventually("the node to be short of memory", async () => {
      return conditionOf((await node.node())!, "MemoryPressure")?.status === "True";
    });
    const image = await scene.image("sleep");
    const spec = { nodeName: node.nodeName };
    const modest = await scene.pod({ name: "modest", containers: [{ image }], spec });
    const refused = await waitEnded(cluster, modest, "Failed");
    assert.equal(refused.status.reason, "Evicted");
    assert.match(refused.status.message ?? "", /The node had condition: \[MemoryPressure\]/);

    const requests = { memory: "1Mi" };
    const containers = [{ image, resources: { requests } }];
    const greedy = await scene.pod({ name: "greedy", containers, restartPolicy: "Always", spec });
    const evicted = await waitEnded(cluster, greedy, "Failed", EVICTED_MS_MAX);
    assert.equal(evicted.status.reason, "Evicted");
    assert.match(
      evicted.status.message ?? "",
      /^The node was low on resource: memory\. Threshold quantity: .* Container main was using .*Ki, request is 1Mi, /,
    );
    const target = conditionOf(evicted, "DisruptionTarget");
    assert.deepEqual([target?.status, target?.reason], ["True", "TerminationByKubelet"]);
    await waitEvent(cluster, greedy, { reason: "Evicted" });
  },
);

scenario("a node whose memory is short for some time ends pods gently", async (scene) => {
  const { cluster, node } = scene;
  const rules = {
    evictionHard: { "memory.available": "1Mi" },
    evictionSoft: { "memory.available": "99%" },
    evictionSoftGracePeriod: { "memory.available": "1s" },
    evictionMaxPodGracePeriod: 2,
  };
  await Deno.writeTextFile(config, JSON.stringify(rules));
  await node.end("SIGTERM");
  await node.restart();
  const requests = { memory: "1Mi" };
  const evicted = await waitEnded(
    cluster,
    await scene.pod({
      name: "gently",
      containers: [{ image: await scene.image("sleep"), resources: { requests } }],
      spec: { nodeName: node.nodeName },
    }),
    "Failed",
    EVICTED_MS_MAX,
  );
  assert.equal(evicted.status.reason, "Evicted");
  assert.match(evicted.status.message ?? "", /^The node was low on resource: memory\. Threshold /);
  assert.equal(conditionOf((await node.node())!, "MemoryPressure")?.status, "True");
});
