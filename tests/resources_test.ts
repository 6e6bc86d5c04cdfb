/** What pods ask for and what they may use, on a real node. */
import assert from "node:assert/strict";
import { eventually } from "./harness/eventually.ts";
import { conditionOf, type Pod } from "./harness/objects.ts";
import { useTestbed } from "./harness/testbed.ts";
import {
  statusOf,
  waitEnded,
  waitEvent,
  waitGone,
  waitPod,
  waitRunning,
} from "./harness/wait_pod.ts";

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
  // With none at all a pod is gone from the cluster before it is from the node.
  const spec = { ...bound(scene.node.nodeName), terminationGracePeriodSeconds: 1 };
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

scenario(
  "a pod is resized in place where that is possible, and says why where it is not",
  async (scene) => {
    const image = await scene.image("sleep");
    const policy = { resourceName: "memory", restartPolicy: "RestartContainer" };
    const resources = { requests: { cpu: "10m", memory: "32Mi" }, limits: { memory: "64Mi" } };
    const ref = await scene.pod({
      name: "grows",
      containers: [{ image, resources }, {
        name: "anew",
        image,
        resources,
        resizePolicy: [policy],
      }],
      restartPolicy: "Always",
      spec: { terminationGracePeriodSeconds: 0 },
    });
    await waitRunning(scene.cluster, ref);
    const resize = (name: string, wanted: object): Promise<string> =>
      scene.kubectl(
        ...["patch", "pod", ref.name, "--subresource", "resize", "--patch"],
        JSON.stringify({ spec: { containers: [{ name, resources: wanted }] } }),
      );
    const seen = (pod: Pod, name: string): Record<string, unknown> => ({ ...statusOf(pod, name) });

    await resize("main", { requests: { cpu: "20m" } });
    const more = await waitPod(scene.cluster, ref, {
      to: "have more cpu",
      wanted: (pod) => JSON.stringify(seen(pod, "main")["allocatedResources"]).includes('"20m"'),
    });
    assert.equal(statusOf(more, "main").restartCount, 0);

    await resize("anew", { limits: { memory: "128Mi" } });
    const anew = await waitPod(scene.cluster, ref, {
      to: "have more memory after a restart",
      wanted: (pod) =>
        statusOf(pod, "anew").restartCount === 1 &&
        statusOf(pod, "anew").state?.running !== undefined,
    });
    assert.match(JSON.stringify(seen(anew, "anew")["resources"]), /"limits":\{"memory":"128Mi"\}/);

    await resize("main", { limits: { memory: "128Mi" } });
    const refused = await waitPod(scene.cluster, ref, {
      to: "say why it cannot be resized",
      wanted: (pod) => conditionOf(pod, "PodResizePending") !== undefined,
    });
    assert.equal(conditionOf(refused, "PodResizePending")?.reason, "Infeasible");
    await resize("main", { limits: { memory: "64Mi" } });
    await waitPod(scene.cluster, ref, {
      to: "be content again",
      wanted: (pod) => conditionOf(pod, "PodResizePending") === undefined,
    });
  },
);

/** CPU seconds that all children of a process have used so far (proc(5)); guests are an agent's. */
async function childrenSeconds(parent: number): Promise<number> {
  let ticks = 0;
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await Deno.readTextFile(`/proc/${name}/stat`).catch(() => "");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (Number(fields[1]) === parent) ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / 100;
}

/** CPUs that an agent's guests use, over three seconds. */
async function guestCpus(agent: number): Promise<number> {
  const [before, startMs] = [await childrenSeconds(agent), performance.now()];
  await eventually("three seconds to pass", () => {
    return Promise.resolve(performance.now() - startMs > 3_000);
  });
  return (await childrenSeconds(agent) - before) / ((performance.now() - startMs) / 1_000);
}

const linuxScenario = Deno.build.os === "linux" ? scenario : () => {};
linuxScenario(
  "a container has no more CPU time than its limit says, also a new one",
  async (scene) => {
    const { node } = scene;
    const said = (await node.node())?.metadata.annotations?.["krustlet.dev/cpu-limits"] ?? "";
    assert.match(said, /^(control groups \(cpu\.max\)|stops \(SIGSTOP\))$/);
    assert.ok((await node.log()).includes(`CPU limits are kept by: ${said}`));
    const cpu = (limit: string) => ({ limits: { cpu: limit }, requests: { cpu: "10m" } });
    const ref = await scene.pod({
      name: "spins",
      containers: [{ image: await scene.image("spin"), resources: cpu("250m") }],
      spec: { terminationGracePeriodSeconds: 0 },
    });
    await waitRunning(scene.cluster, ref);
    const isUsing = (least: number, most: number): Promise<true> =>
      eventually(`guests to use ${least} to ${most} CPUs`, async () => {
        const cpus = await guestCpus(node.process.pid);
        if (cpus > least && cpus < most) return true;
        throw new Error(`they use ${cpus}`);
      }, { withinMs: 60_000 });
    await isUsing(0.02, 0.3);
    await scene.kubectl(
      ...["patch", "pod", ref.name, "--subresource", "resize", "--patch"],
      JSON.stringify({ spec: { containers: [{ name: "main", resources: cpu("50m") }] } }),
    );
    await isUsing(0, 0.1);
    assert.equal(statusOf(await waitRunning(scene.cluster, ref), "main").restartCount, 0);
    await scene.kubectl("delete", "pod", ref.name);
  },
);
