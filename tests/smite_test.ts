/** `krustlet smite`: what is left of a node that has vanished. */
import assert from "node:assert/strict";
import { runKrustlet } from "./harness/command.ts";
import { prepareKrustlet } from "./harness/kubelet.ts";
import { podManifest } from "./harness/manifests.ts";
import { useTestbed } from "./harness/testbed.ts";
import { waitGone, waitRunning } from "./harness/wait_pod.ts";

const scenario = useTestbed();

scenario("smite refuses a node that lives, and clears one that was killed", async (scene) => {
  const { cluster, registry, image, create, namespace } = scene;
  await using node = await prepareKrustlet(cluster, { insecureRegistries: [registry.host] });
  await node.start();
  await node.approve();
  await node.waitReady();
  const { nodeName } = node;
  const containers = [{ image: await image("spin") }];
  const pod = podManifest({ name: "left", nodeName, containers, restartPolicy: "Always" });
  await create("pods", pod);
  await waitRunning(cluster, { namespace, name: "left" });
  const smite = (...args: string[]): ReturnType<typeof runKrustlet> =>
    runKrustlet(["smite", "--kubeconfig", cluster.kubeconfig, nodeName, ...args]);

  const alive = await smite("--yes");
  assert.equal(alive.code, 2, alive.stderr);
  assert.match(alive.stderr, /heartbeat|Ready/);

  await node.end("SIGKILL");
  const dry = await smite("--force");
  assert.equal(dry.code, 0, dry.stderr);
  assert.match(dry.stdout, new RegExp(`would delete pod ${namespace}/left`));
  assert.match(dry.stdout, /would delete certificate request/);
  assert.ok(await node.node() !== undefined, "nothing was deleted");

  const done = await smite("--force", "--yes");
  assert.equal(done.code, 0, done.stderr);
  await waitGone(cluster, { namespace, name: "left" });
  assert.equal(await node.node(), undefined);
  const requests = await cluster.kubectl(["get", "csr", "-o", "jsonpath={..spec.username}"]);
  assert.ok(!requests.split(/\s+/).includes(`system:node:${nodeName}`), requests);

  const again = await smite("--yes");
  assert.equal(again.code, 2);
  assert.match(again.stderr, /has nothing of it/);
});
