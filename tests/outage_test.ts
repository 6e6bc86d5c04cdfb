/** The API server goes away and comes back. */
import assert from "node:assert/strict";
import { guest } from "./guests/build.ts";
import { startControlPlane } from "./harness/control_plane.ts";
import { eventually } from "./harness/eventually.ts";
import { startKrustlet } from "./harness/kubelet.ts";
import { podManifest, type PodWish } from "./harness/manifests.ts";
import { clusterTest } from "./harness/testbed.ts";
import { statusOf, waitEnded, waitEvent, waitRunning } from "./harness/wait_pod.ts";

/** Long enough for every watch, lease and status to fail more than once. */
const OUTAGE_MS = 60_000;

clusterTest("an API server away for 60 s disturbs no guest and misses no status", async () => {
  await using plane = await startControlPlane();
  const { cluster } = plane;
  await using node = await startKrustlet(cluster, { args: ["--x-allow-local-modules", "true"] });
  await using namespace = await cluster.namespace("test");
  const create = async (wish: Omit<PodWish, "nodeName">): Promise<PodName> => {
    const manifest = podManifest({ ...wish, nodeName: node.nodeName });
    await cluster.create(`/api/v1/namespaces/${namespace.name}/pods`, manifest);
    return { namespace: namespace.name, name: wish.name };
  };
  const exerciser = `file:${await guest("go_exerciser")}`;
  const sleeper = await create({
    name: "sleeper",
    restartPolicy: "Always",
    containers: [{ image: `file:${await guest("sleep")}` }],
  });
  // These end in the middle of the outage, one well and one badly.
  const ends = await create({
    name: "ends",
    containers: [{
      image: exerciser,
      args: ["sleep(30000)", "write(lit:made it)to(stm:stdout)"],
    }],
  });
  const fails = await create({
    name: "fails",
    containers: [{ image: exerciser, args: ["sleep(30000)", "assert_exists(file:/nope)"] }],
  });
  const before = await waitRunning(cluster, sleeper);
  await waitRunning(cluster, ends);
  await waitRunning(cluster, fails);
  await waitEvent(cluster, fails, { reason: "Started" });

  await plane.stopApiServer();
  await new Promise((resolve) => setTimeout(resolve, OUTAGE_MS));
  await plane.startApiServer();

  const ended = await waitEnded(cluster, ends, "Succeeded");
  await waitEnded(cluster, fails, "Failed");
  const { startedAt, finishedAt } = statusOf(ended, "main").state?.terminated ?? {};
  const ranMs = Date.parse(finishedAt ?? "") - Date.parse(startedAt ?? "");
  assert.ok(ranMs >= 29_000 && ranMs < 40_000, `it ran for ${ranMs} ms, so it was not disturbed`);
  const after = await waitRunning(cluster, sleeper);
  assert.deepEqual(
    statusOf(after, "main").containerID,
    statusOf(before, "main").containerID,
  );
  assert.equal(statusOf(after, "main").restartCount, 0);
  await eventually(
    "the agent to serve logs again",
    async () => (await cluster.kubectl(["logs", "-n", namespace.name, "ends"])).includes("made it"),
  );
  const fresh = await create({
    name: "fresh",
    // Not by the scheduler, which takes its time to find the API server again.
    spec: { nodeName: node.nodeName },
    containers: [{ image: `file:${await guest("hello")}` }],
  });
  await waitEnded(cluster, fresh, "Succeeded", 60_000);
});

interface PodName {
  readonly namespace: string;
  readonly name: string;
}
