/** The end of a node in order: its pods end by priority, and say why. */
import assert from "node:assert/strict";
import { guest } from "./guests/build.ts";
import { startKrustlet } from "./harness/kubelet.ts";
import { podManifest } from "./harness/manifests.ts";
import { conditionOf, type Pod } from "./harness/objects.ts";
import { useCluster } from "./harness/testbed.ts";
import { getPod, statusOf, waitRunning } from "./harness/wait_pod.ts";
import { watchObjects } from "./harness/watch.ts";

const scenario = useCluster();

const ARGS = [
  ...["--x-allow-local-modules", "true", "--shutdown-grace-period", "40s"],
  ...["--shutdown-grace-period-critical-pods", "10s"],
];

scenario("SIGTERM ends pods by priority; they are Failed as Terminated", async (cluster) => {
  await using node = await startKrustlet(cluster, { args: ARGS });
  await using namespace = await cluster.namespace("test");
  const pods = `/api/v1/namespaces/${namespace.name}/pods`;
  const image = `file:${await guest("sleep")}`;
  const wishes = {
    "first": { terminationGracePeriodSeconds: 1 },
    "system": {
      terminationGracePeriodSeconds: 0,
      priorityClassName: "system-cluster-critical",
    },
  };
  for (const [name, spec] of Object.entries(wishes)) {
    const containers = [{ image }];
    const { nodeName } = node;
    await cluster.create(
      pods,
      podManifest({ name, nodeName, restartPolicy: "Always", containers, spec }),
    );
    await waitRunning(cluster, { namespace: namespace.name, name });
  }
  const ended: string[] = [];
  await using _watch = await watchObjects<Pod>(cluster, pods, ({ metadata, status }) => {
    if (status.phase === "Failed" && !ended.includes(metadata.name)) ended.push(metadata.name);
  });
  const fromMs = performance.now();
  const { code } = await node.end("SIGTERM");
  assert.equal(code, 0);
  assert.ok(performance.now() - fromMs < 20_000, "it took longer than the grace periods");
  assert.deepEqual(ended, ["first", "system"]);
  for (const name of Object.keys(wishes)) {
    const { status } = await getPod(cluster, { namespace: namespace.name, name });
    assert.deepEqual(
      [status.phase, status.reason, status.message],
      ["Failed", "Terminated", "Pod was terminated in response to imminent node shutdown."],
    );
    const target = conditionOf({ status }, "DisruptionTarget");
    assert.deepEqual([target?.status, target?.reason], ["True", "TerminationByKubelet"]);
  }
  const ready = conditionOf((await node.node())!, "Ready");
  assert.deepEqual([ready?.status, ready?.message], ["False", "node is shutting down"]);
});

scenario("SIGINT leaves the pods of such a node to the next agent", async (cluster) => {
  await using node = await startKrustlet(cluster, { args: ARGS });
  await using namespace = await cluster.namespace("test");
  const ref = { namespace: namespace.name, name: "stays" };
  await cluster.create(
    `/api/v1/namespaces/${namespace.name}/pods`,
    podManifest({
      name: ref.name,
      nodeName: node.nodeName,
      restartPolicy: "Always",
      containers: [{ image: `file:${await guest("sleep")}` }],
      spec: { terminationGracePeriodSeconds: 0 },
    }),
  );
  await waitRunning(cluster, ref);
  node.process.signal("SIGINT");
  assert.equal((await node.process.ended).code, 0);
  assert.equal((await getPod(cluster, ref)).status.phase, "Running");
  await node.restart();
  await node.waitReady();
  const again = await waitRunning(cluster, ref);
  assert.equal(statusOf(again, "main").restartCount, 1);
});
