/** What an agent that was killed leaves behind, and what it takes up again. */
import assert from "node:assert/strict";
import { eventually } from "./harness/eventually.ts";
import type { Pod } from "./harness/objects.ts";
import { useTestbed } from "./harness/testbed.ts";
import { statusOf, waitPod, waitRunning } from "./harness/wait_pod.ts";

const scenario = useTestbed();

scenario("a restart count goes on where it was", async (scene) => {
  const ref = await scene.pod({
    name: "loop",
    restartPolicy: "Always",
    containers: [{ image: await scene.image("exit_42") }],
  });
  const restarts = (pod: Pod): number => pod.status.containerStatuses?.[0]?.restartCount ?? 0;
  const before = await waitPod(scene.cluster, ref, {
    to: "crash twice",
    wanted: (pod) => restarts(pod) >= 2,
    withinMs: 45_000,
  });
  await scene.node.end("SIGKILL");
  await scene.node.restart();
  const after = await waitPod(scene.cluster, ref, {
    to: "crash again",
    wanted: (pod) => restarts(pod) > restarts(before),
    withinMs: 90_000,
  });
  assert.equal(statusOf(after, "main").lastState?.terminated?.exitCode, 42);
});

scenario("a pod that was deleted while the agent was away is cleaned up", async (scene) => {
  const ref = await scene.pod({
    name: "gone",
    restartPolicy: "Always",
    containers: [{ image: await scene.image("sleep") }],
    spec: { terminationGracePeriodSeconds: 1 },
  });
  const pod = await waitRunning(scene.cluster, ref);
  await scene.node.end("SIGKILL");
  await scene.kubectl("delete", "pod", "gone", "--grace-period=0", "--force");
  await scene.node.restart();
  await eventually("its folders to be gone", async () => {
    const left: string[] = [];
    for (const folder of ["pods", "logs"]) {
      for await (const { name } of Deno.readDir(`${scene.node.dataDir}/${folder}`)) {
        if (name.includes(pod.metadata.uid ?? "?")) left.push(`${folder}/${name}`);
      }
    }
    if (left.length > 0) throw new Error(left.join(", "));
    return true;
  });
});

scenario("no guest process outlives an agent that was killed", async (scene) => {
  const ref = await scene.pod({
    name: "spin",
    restartPolicy: "Always",
    containers: [{ image: await scene.image("spin") }],
    spec: { terminationGracePeriodSeconds: 1 },
  });
  await waitRunning(scene.cluster, ref);
  const guests = await childrenOf(scene.node.process.pid);
  assert.ok(guests.length > 0, "the guest has a process of its own");
  await scene.node.end("SIGKILL");
  await eventually("the guests' processes to end", async () => {
    const alive: number[] = [];
    for (const pid of guests) if (await isAlive(pid)) alive.push(pid);
    if (alive.length > 0) throw new Error(`alive: ${alive.join(", ")}`);
    return true;
  }, { withinMs: 10_000 });
  await scene.node.restart();
});

async function childrenOf(pid: number): Promise<number[]> {
  const { stdout } = await new Deno.Command("ps", { args: ["-A", "-o", "pid=,ppid="] }).output();
  return new TextDecoder().decode(stdout).trim().split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([, parent]) => parent === pid)
    .map(([child]) => child ?? 0);
}

/** A process that has ended but was not waited for is not alive. */
async function isAlive(pid: number): Promise<boolean> {
  const { stdout } = await new Deno.Command("ps", { args: ["-o", "stat=", "-p", String(pid)] })
    .output();
  const state = new TextDecoder().decode(stdout).trim();
  return state !== "" && !state.startsWith("Z");
}
