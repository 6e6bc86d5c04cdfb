/** What pods need goes away while they need it: mounted objects, and the API server. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { guest } from "./guests/build.ts";
import { type ControlPlane, startControlPlane } from "./harness/control_plane.ts";
import { eventually } from "./harness/eventually.ts";
import { type Krustlet, startKrustlet } from "./harness/kubelet.ts";
import type { PodWish } from "./harness/manifests.ts";
import { NodePods } from "./harness/node_pods.ts";
import type { Pod } from "./harness/objects.ts";
import { clusterTest } from "./harness/testbed.ts";
import {
  getPod,
  type PodRef,
  statusOf,
  waitEnded,
  waitEvent,
  waitGone,
  waitPod,
  waitRunning,
} from "./harness/wait_pod.ts";

/** A status that was held back, or a pod that waited, is heard of this soon after the API server's return. */
const SOON_MS = 60_000;
/** What a test waits for on a busy machine. */
const LONG_MS = 120_000;

/** A control plane that may be broken, a node, and a namespace on it. */
interface Bench {
  readonly plane: ControlPlane;
  readonly node: Krustlet;
  readonly pods: NodePods;
  /** The reference of a guest of this machine. */
  image(guest: string): Promise<string>;
}

let bench: Bench | undefined;
const parts = new AsyncDisposableStack();
Deno.test.beforeAll(async () => {
  const plane = parts.use(await startControlPlane());
  const args = ["--x-allow-local-modules", "true"];
  const node = parts.use(await startKrustlet(plane.cluster, { args }));
  // One for all: who makes the service account of a new one is slow to find the API server again.
  const pods = parts.use(await NodePods.open(node));
  bench = { plane, node, pods, image: async (name) => `file:${await guest(name)}` };
});
Deno.test.afterAll(async () => {
  await parts.disposeAsync();
});

function scenario(name: string, run: (bench: Bench) => Promise<void>): void {
  clusterTest(name, async () => {
    if (bench === undefined) throw new Error("There is no node");
    try {
      await run(bench);
    } catch (error) {
      console.error(`Failed: ${name}\n${await bench.node.tail()}`);
      throw error;
    }
  });
}

/** Creates a pod on the node without the scheduler, which is slow to find the API server again as well. */
async function create(
  { node, pods }: Bench,
  { spec = {}, ...wish }: Omit<PodWish, "nodeName">,
): Promise<PodRef> {
  return await pods.pod({ ...wish, spec: { nodeName: node.nodeName, ...spec } });
}

for (const kind of ["ConfigMap", "Secret"] as const) {
  scenario(
    `a ${kind} that is deleted while it is mounted stays where it is, and its successor takes its place`,
    async (bench) => {
      const { pods, image } = bench;
      const { cluster, namespace } = pods;
      const word = kind.toLowerCase();
      const resource = `${word}s`;
      const object = (value: string): unknown => ({
        metadata: { name: `shown-${word}` },
        [kind === "Secret" ? "stringData" : "data"]: { a: value, b: value },
      });
      const volume = kind === "Secret"
        ? { name: "v", secret: { secretName: `shown-${word}` } }
        : { name: "v", configMap: { name: `shown-${word}` } };
      const watcher = async (name: string): Promise<PodRef> =>
        await create(bench, {
          name,
          containers: [{
            image: await image("go_watcher"),
            args: ["/given", "two", "a", "b"],
            volumeMounts: [{ name: "v", mountPath: "/given" }],
          }],
          spec: { volumes: [volume] },
        });
      await pods.create(resource, object("one"));
      const before = await watcher(`before-${word}`);
      await waitLog(pods, before, "now one");

      await cluster.delete(`/api/v1/namespaces/${namespace}/${resource}/shown-${word}`);
      const missing = new RegExp(`${word} "shown-${word}" not found`);
      await waitEvent(cluster, before, { reason: "FailedMount", message: missing }, LONG_MS);
      const behind = await watcher(`behind-${word}`);
      await waitEvent(cluster, behind, { reason: "FailedMount", message: missing }, LONG_MS);
      const waits = await getPod(cluster, behind);
      assert.equal(waits.status.phase, "Pending");
      assert.equal(statusOf(waits, "main").state?.waiting?.reason, "ContainerCreating");
      const goesOn = await getPod(cluster, before);
      assert.equal(goesOn.status.phase, "Running");
      assert.equal(statusOf(goesOn, "main").restartCount, 0);

      await pods.create(resource, object("two"));
      for (const ref of [before, behind]) await waitEnded(cluster, ref, "Succeeded", LONG_MS);
      const log = await cluster.kubectl(["logs", "-n", namespace, before.name]);
      assert.equal(log, "watching\nnow one\nnow two\nwhole at every look\n");
    },
  );
}

scenario(
  "an API server that goes away while pods start delays them, and nothing more",
  async (bench) => {
    const { plane, node, pods, image } = bench;
    const { cluster, namespace } = pods;
    const exerciser = await image("go_exerciser");
    const starts = async (name: string, configMap: string): Promise<PodRef> =>
      await pods.pod({
        name,
        containers: [{
          image: exerciser,
          args: ["write(lit:begun)to(stm:stdout)", "assert_exists(file:/given/a)"],
          env: [{ name: "A", valueFrom: { configMapKeyRef: { name: configMap, key: "a" } } }],
          volumeMounts: [{ name: "v", mountPath: "/given" }],
        }],
        spec: { volumes: [{ name: "v", configMap: { name: configMap } }] },
      });
    const data = { a: "one" };
    await pods.create("configmaps", { metadata: { name: "given" }, data });
    const waits = await starts("waits", "late");
    await waitEvent(cluster, waits, { reason: "FailedMount" });
    const before = (await node.log()).length;
    const burst = Array.from({ length: 12 }, (_, i) => starts(`starts-${i}`, "given"));
    const refs = await Promise.all(burst);
    await eventually("the first pod to be seen by the node", async () => {
      const { items } = await cluster.get<{ items: Pod[] }>(`/api/v1/namespaces/${namespace}/pods`);
      return items.some(({ metadata: { name }, status }) =>
        name !== "waits" && status.startTime !== undefined
      );
    }, { withinMs: LONG_MS, everyMs: 5 });
    await plane.stopApiServer();
    await eventually("the agent to miss the API server", async () => {
      return (await node.log()).slice(before).includes(`Cannot report pod "${namespace}/starts-`);
    }, { withinMs: LONG_MS });
    await plane.startApiServer();
    await pods.create("configmaps", { metadata: { name: "late" }, data });
    for (const ref of [waits, ...refs]) {
      const pod = await waitEnded(cluster, ref, "Succeeded", LONG_MS);
      assert.equal(statusOf(pod, "main").restartCount, 0);
      const log = await cluster.kubectl(["logs", "-n", namespace, ref.name]);
      assert.equal(log.match(/begun/g)?.length, 1, log);
    }
  },
);

scenario(
  "a pod whose end falls into an absence of the API server is gone right after it",
  async (bench) => {
    const { plane, node, pods, image } = bench;
    const { cluster } = pods;
    const ref = await sleeper(bench, { name: "ends", image: await image("sleep"), grace: 3 });
    const { metadata } = await waitRunning(cluster, ref);
    await remove(pods, ref, 3);
    await waitEvent(cluster, ref, { reason: "Killing" });
    await plane.stopApiServer();
    await eventually("its guest to end", async () => {
      return await exitCodeOnDisk(node, metadata.uid!) === 137;
    }, { withinMs: LONG_MS });
    await plane.startApiServer();
    await waitGone(cluster, ref, SOON_MS);
    await assertNothingLeft(node, metadata.uid!);
  },
);

scenario(
  "a pod that is deleted by force while the node hears nothing ends, and leaves its name to another",
  async (bench) => {
    const { plane, node, pods, image } = bench;
    const { cluster } = pods;
    const wish = { name: "same", image: await image("sleep"), grace: 600 };
    const ref = await sleeper(bench, wish);
    const before = await waitRunning(cluster, ref);
    await plane.stopApiServer();
    node.process.signal("SIGSTOP");
    try {
      await plane.startApiServer();
      await remove(pods, ref, 0);
      await waitGone(cluster, ref);
      await sleeper(bench, wish);
    } finally {
      node.process.signal("SIGCONT");
    }
    const after = await waitRunning(cluster, ref, LONG_MS);
    assert.notEqual(after.metadata.uid, before.metadata.uid);
    assert.equal(statusOf(after, "main").restartCount, 0);
    await assertNothingLeft(node, before.metadata.uid!);
    await pods.remove(ref);
  },
);

scenario(
  "an agent that starts again without an API server takes up its pods when that is back",
  async (bench) => {
    const { plane, node, pods, image } = bench;
    const { cluster } = pods;
    const sleep = await image("sleep");
    const stays = await sleeper(bench, { name: "stays", image: sleep, restartPolicy: "Always" });
    const leaves = await sleeper(bench, { name: "leaves", image: sleep, grace: 600 });
    const done = await create(bench, {
      name: "done",
      containers: [{ image: await image("hello") }],
    });
    const { metadata } = await waitRunning(cluster, leaves);
    await waitRunning(cluster, stays);
    const ended = await waitEnded(cluster, done, "Succeeded");
    await remove(pods, leaves, 600);
    await waitEvent(cluster, leaves, { reason: "Killing" });
    await plane.stopApiServer();
    await node.end("SIGKILL");
    await node.restart();
    await plane.startApiServer();
    await waitGone(cluster, leaves, SOON_MS);
    await assertNothingLeft(node, metadata.uid!);
    const again = await waitPod(cluster, stays, {
      to: "run again",
      wanted: (pod) => statusOf(pod, "main").restartCount === 1 && statusOf(pod, "main").ready,
      withinMs: SOON_MS,
    });
    const last = statusOf(again, "main").lastState?.terminated;
    assert.deepEqual([last?.exitCode, last?.reason], [137, "ContainerStatusUnknown"]);
    assert.deepEqual((await getPod(cluster, done)).status, ended.status);
    await pods.remove(stays);
  },
);

scenario(
  "a Lease from a clock that was ahead is renewed by one that is right",
  async ({ node, pods }) => {
    const { cluster } = pods;
    const path = `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${node.nodeName}`;
    interface Lease {
      readonly spec: { readonly renewTime: string };
    }
    const ahead = new Date(Date.now() + 3_600_000).toISOString().replace(/Z$/, "000Z");
    await cluster.patch(path, { spec: { renewTime: ahead } });
    // The node controller believes that a node lives if its Lease is newer than the one before, and only then.
    await eventually("the Lease to be renewed", async () => {
      return (await cluster.get<Lease>(path)).spec.renewTime > ahead;
    }, { withinMs: SOON_MS });
  },
);

/** Creates a pod whose guest hears nothing, so that its end takes all of the grace period. */
async function sleeper(
  bench: Bench,
  { name, image, grace = 0, restartPolicy = "Never" }: {
    readonly name: string;
    readonly image: string;
    /** In seconds. */
    readonly grace?: number;
    readonly restartPolicy?: "Always" | "Never";
  },
): Promise<PodRef> {
  const spec = { terminationGracePeriodSeconds: grace };
  return await create(bench, { name, restartPolicy, containers: [{ image }], spec });
}

/** Deletes a pod and waits for nothing. */
async function remove(
  { cluster }: NodePods,
  { namespace, name }: PodRef,
  seconds: number,
): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/pods/${name}?gracePeriodSeconds=${seconds}`;
  await cluster.delete(path);
}

async function waitLog({ cluster }: NodePods, ref: PodRef, line: string): Promise<void> {
  await eventually(`"${line}" in the log of pod ${ref.name}`, async () => {
    return (await cluster.kubectl(["logs", "-n", ref.namespace, ref.name])).includes(line);
  }, { withinMs: LONG_MS });
}

async function exitCodeOnDisk({ dataDir }: Krustlet, uid: string): Promise<number | undefined> {
  const record = JSON.parse(await Deno.readTextFile(join(dataDir, "pods", uid, "pod.json")));
  return record.containers.main.state.terminated?.exitCode;
}

/** A pod that is gone has no folder and no log. */
async function assertNothingLeft({ dataDir }: Krustlet, uid: string): Promise<void> {
  await eventually("nothing to be left of the pod", async () => {
    const names = await Promise.all(
      ["pods", "logs"].map((folder) =>
        Array.fromAsync(Deno.readDir(join(dataDir, folder)), ({ name }) => name)
      ),
    );
    return !names.flat().some((name) => name.includes(uid));
  });
}
