/** What pods ask for and what they may use, on a real node. */
import assert from "node:assert/strict";
import { conditionOf } from "./harness/objects.ts";
import { useTestbed } from "./harness/testbed.ts";
import { waitEnded, waitEvent, waitGone, waitPod, waitRunning } from "./harness/wait_pod.ts";

const scenario = useTestbed({
  args: ["--max-pods=3", "--kube-reserved=cpu=100m", "--system-reserved=memory=64Mi"],
});

/** Past the scheduler, which would keep away what does not fit. */
function bound(nodeName: string): { nodeName: string } {
  return { nodeName };
}

scenario("the node keeps back what it is told to", async ({ node }) => {
  const { status } = (await node.node())!;
  assert.equal(status.allocatable?.["pods"], "3");
  const kib = (text = ""): number => Number.parseInt(text);
  const memory = kib(status.capacity?.["memory"]) - kib(status.allocatable?.["memory"]);
  assert.equal(memory, (64 + 100) * 1024, "system-reserved, and where evictions begin");
  const cpus = Number(status.capacity?.["cpu"]);
  assert.equal(status.allocatable?.["cpu"], `${cpus * 1000 - 100}m`);
});

scenario(
  "a pod that asks for too much of anything is refused in a kubelet's words",
  async (scene) => {
    const image = await scene.image("hello");
    const wishes: [name: string, requests: Record<string, string>, reason: string][] = [
      ["cpu", { cpu: "1000" }, "OutOfcpu"],
      ["memory", { memory: "900Ti" }, "OutOfmemory"],
      ["storage", { "ephemeral-storage": "900Ti" }, "OutOfephemeral-storage"],
      ["device", { "example.com/gpu": "1" }, "UnexpectedAdmissionError"],
    ];
    for (const [name, requests, reason] of wishes) {
      const resources = { requests, limits: requests };
      const ref = await scene.pod({
        name,
        containers: [{ image, resources }],
        spec: bound(scene.node.nodeName),
      });
      const pod = await waitEnded(scene.cluster, ref, "Failed");
      assert.equal(pod.status.reason, reason);
      assert.match(pod.status.message ?? "", /^Pod was rejected: /);
      await waitEvent(scene.cluster, ref, { reason });
      await scene.kubectl("delete", "pod", name);
    }
  },
);

scenario("a node has room for so many pods, and again when one has gone", async (scene) => {
  const image = await scene.image("sleep");
  const spec = { ...bound(scene.node.nodeName), terminationGracePeriodSeconds: 0 };
  const pod = (name: string) => scene.pod({ name, containers: [{ image }], spec });
  for (const name of ["one", "two", "three"]) await waitRunning(scene.cluster, await pod(name));
  const refused = await waitEnded(scene.cluster, await pod("four"), "Failed");
  assert.equal(refused.status.reason, "OutOfpods");
  assert.match(refused.status.message ?? "", /pods, requested: 1, used: 3, capacity: 3$/);
  await scene.kubectl("delete", "pod", "one");
  await waitGone(scene.cluster, { namespace: scene.namespace, name: "one" });
  await waitRunning(scene.cluster, await pod("five"));
  await scene.kubectl("delete", "pod", "--all");
});

scenario("a pod that fills its emptyDir beyond the limit is evicted", async (scene) => {
  const ref = await scene.pod({
    name: "full",
    containers: [{
      image: await scene.image("go_exerciser"),
      args: ["write(lit:a)to(file:/data/a)", "write(lit:b)to(file:/data/b)", "sleep(3600000)"],
      volumeMounts: [{ name: "scratch", mountPath: "/data" }],
    }],
    spec: { volumes: [{ name: "scratch", emptyDir: { sizeLimit: "4Ki" } }] },
  });
  const pod = await waitPod(scene.cluster, ref, {
    to: "be evicted",
    wanted: ({ status }) => status.phase === "Failed",
    withinMs: 60_000,
  });
  assert.equal(pod.status.reason, "Evicted");
  assert.equal(pod.status.message, 'Usage of EmptyDir volume "scratch" exceeds the limit "4Ki". ');
  assert.equal(conditionOf(pod, "DisruptionTarget"), undefined, "it was its own fault");
  await waitEvent(scene.cluster, ref, { reason: "Evicted" });
});
