/** Somebody sets the clock of a node. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { guest } from "./guests/build.ts";
import type { Cluster } from "./harness/cluster.ts";
import { mayPreload } from "./harness/command.ts";
import { eventually } from "./harness/eventually.ts";
import { startKrustlet } from "./harness/kubelet.ts";
import { NodePods } from "./harness/node_pods.ts";
import { conditionOf, type Pod } from "./harness/objects.ts";
import { tempFolder } from "./harness/temp_folder.ts";
import { useCluster } from "./harness/testbed.ts";
import {
  getPod,
  statusOf,
  waitEnded,
  waitEvent,
  waitGone,
  waitPod,
  waitRunning,
} from "./harness/wait_pod.ts";

const HOUR_MS = 3_600_000;
/** Renewals of the Lease after each jump: a single one may have been under way. */
const RENEWALS = 2;
/** What a test waits for on a busy machine. */
const LONG_MS = 90_000;

const PRELOAD = fileURLToPath(new URL("./harness/wall_clock.ts", import.meta.url));
if (!mayPreload()) console.error("LEFT OUT: the clock of a compiled program cannot be set alone");
const scenario = useCluster();

scenario("a clock that jumps by an hour, forward and back, costs nothing", async (cluster) => {
  await using folder = await tempFolder();
  const clock = join(folder.path, "clock");
  const setAhead = async (ms: number): Promise<void> => {
    await Deno.writeTextFile(`${clock}.new`, String(ms));
    await Deno.rename(`${clock}.new`, clock);
  };
  await setAhead(0);
  await using node = await startKrustlet(cluster, {
    preload: PRELOAD,
    env: { KRUSTLET_TEST_CLOCK: clock },
    args: ["--x-allow-local-modules", "true"],
  });
  await using pods = await NodePods.open(node);
  try {
    const image = async (name: string): Promise<string> => `file:${await guest(name)}`;
    const stays = await pods.pod({
      name: "stays",
      restartPolicy: "Always",
      containers: [{ image: await image("sleep") }],
      spec: { activeDeadlineSeconds: 1_800, terminationGracePeriodSeconds: 0 },
    });
    const before = await waitRunning(cluster, stays);
    for (const [index, aheadMs] of [HOUR_MS, -HOUR_MS].entries()) {
      const leaves = await pods.pod({
        name: `leaves-${index}`,
        containers: [{ image: await image("sleep") }],
      });
      await waitRunning(cluster, leaves);
      const crashes = await pods.pod({
        name: `crashes-${index}`,
        restartPolicy: "Always",
        containers: [{ image: await image("exit_3") }],
      });
      await waitPod(cluster, crashes, {
        to: "wait for its second restart",
        wanted: (pod) => statusOf(pod, "main").state?.waiting?.reason === "CrashLoopBackOff",
        withinMs: LONG_MS,
      });
      await cluster.delete(
        `/api/v1/namespaces/${pods.namespace}/pods/${leaves.name}?gracePeriodSeconds=5`,
      );
      await waitEvent(cluster, leaves, { reason: "Killing" });
      await setAhead(aheadMs);
      await renewals(cluster, node.nodeName);
      await waitGone(cluster, leaves, LONG_MS);
      const fresh = await pods.pod({
        name: `fresh-${index}`,
        containers: [{ image: await image("hello") }],
      });
      await waitEnded(cluster, fresh, "Succeeded", LONG_MS);
      await waitPod(cluster, crashes, {
        to: "be restarted in time",
        wanted: (pod) => statusOf(pod, "main").restartCount >= 2,
        withinMs: LONG_MS,
      });
      const after = await getPod(cluster, stays);
      assert.equal(after.status.phase, "Running");
      assert.deepEqual(essence(after), essence(before));
      assert.equal(conditionOf((await node.node())!, "Ready")?.status, "True");
    }
  } catch (error) {
    console.error(await node.tail());
    throw error;
  }
}, { unless: !mayPreload() });

/** Waits until the Lease was renewed a few times, and each time with a newer time, as the cluster needs it. */
async function renewals(cluster: Cluster, nodeName: string): Promise<void> {
  const path = `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${nodeName}`;
  interface Lease {
    readonly metadata: { readonly resourceVersion: string };
    readonly spec: { readonly renewTime: string };
  }
  let last = await cluster.get<Lease>(path);
  for (let count = 0; count < RENEWALS; count++) {
    const next = await eventually("the Lease to be written", async () => {
      const lease = await cluster.get<Lease>(path);
      return lease.metadata.resourceVersion !== last.metadata.resourceVersion && lease;
    }, { withinMs: LONG_MS });
    assert.ok(next.spec.renewTime > last.spec.renewTime, `${next.spec.renewTime} is no news`);
    last = next;
  }
}

/** What must not change of a pod that runs. */
function essence(pod: Pod): unknown {
  const { containerID, restartCount, ready, state } = statusOf(pod, "main");
  return { containerID, restartCount, ready, state, startTime: pod.status.startTime };
}
