import assert from "node:assert/strict";
import type { Pod } from "../api/types.ts";
import { podOf, World } from "./_world.ts";
import { NODE_SHUTDOWN, shutdownGroups } from "./shutdown.ts";

const CRITICAL = 2_000_000_000;

const withPriority = (name: string, priority?: number, guest = "polite"): Pod =>
  podOf(guest, { name, spec: priority === undefined ? {} : { priority } });

Deno.test("shutdownGroups() lets pods of the system end last, in time of their own", () => {
  const all = [
    { pod: withPriority("low") },
    { pod: withPriority("critical", CRITICAL) },
    { pod: withPriority("high", CRITICAL - 1) },
  ];
  const names = (graceMs: number, criticalGraceMs?: number): unknown[] =>
    shutdownGroups(all, { graceMs, criticalGraceMs }).map(({ members, graceMs }) => [
      members.map(({ pod }) => pod.metadata?.name).join(),
      graceMs,
    ]);
  assert.deepEqual(names(30_000), [["low,critical,high", 30_000]]);
  assert.deepEqual(names(30_000, 10_000), [["low,high", 20_000], ["critical", 10_000]]);
  assert.deepEqual(names(30_000, 0), [["low,high", 30_000], ["critical", 0]]);
});

Deno.test("PodManager.shutdown() ends the system's pods when all others have ended", async () => {
  await using world = await World.open();
  const agent = world.agent();
  agent.sync([withPriority("system", CRITICAL), withPriority("web"), withPriority("job")]);
  for (const name of ["system", "web", "job"]) await world.phase(name, "Running");
  world.events.length = 0;
  await agent.shutdown(60_000, { criticalGraceMs: 30_000, failure: NODE_SHUTDOWN });
  const ended = world.said.filter(({ status }) => status.phase === "Failed")
    .map(({ pod }) => pod.name);
  for (const other of ["web", "job"]) {
    assert.ok(ended.includes(other));
    assert.ok(ended.indexOf("system") > ended.lastIndexOf(other), ended.join());
  }
  const stopped = world.events.filter(({ reason }) => reason === "Killing")
    .map(({ object }) => object.name);
  assert.equal(stopped.at(-1), "system");
});

Deno.test("PodManager.shutdown() fails pods with a kubelet's words when the node goes down", async () => {
  await using world = await World.open();
  const agent = world.agent();
  const spinning = podOf("spin", {
    name: "web",
    spec: { restartPolicy: "Always", terminationGracePeriodSeconds: 3600 },
  });
  agent.sync([spinning, podOf("ok", { name: "done" })]);
  await world.phase("web", "Running");
  await world.phase("done", "Succeeded");
  await agent.shutdown(50, { failure: NODE_SHUTDOWN });
  const { phase, reason, message, conditions } = world.status("web");
  assert.deepEqual([phase, reason, message], ["Failed", "Terminated", NODE_SHUTDOWN.message]);
  const target = conditions?.find(({ type }) => type === "DisruptionTarget");
  assert.deepEqual([target?.status, target?.reason], ["True", "TerminationByKubelet"]);
  assert.equal(world.status("done").phase, "Succeeded");
  // The next agent, on a machine that is up again, leaves them as they are.
  const runs = world.runs.length;
  const next = world.agent();
  next.sync([spinning]);
  await next.shutdown(0);
  assert.equal(world.runs.length, runs);
  assert.equal(world.status("web").reason, "Terminated");
});

Deno.test("PodManager.shutdown() gives the system's pods their time though others do not end", async () => {
  await using world = await World.open();
  const agent = world.agent();
  const far = { terminationGracePeriodSeconds: 3600 };
  agent.sync([
    podOf("spin", { name: "web", spec: far }),
    podOf("polite", { name: "system", spec: { ...far, priority: CRITICAL } }),
  ]);
  await world.phase("web", "Running");
  await world.phase("system", "Running");
  await agent.shutdown(20_050, { criticalGraceMs: 20_000, failure: NODE_SHUTDOWN });
  assert.equal(world.container("web")?.state.terminated?.exitCode, 137);
  assert.equal(world.container("system")?.state.terminated?.exitCode, 0);
});

Deno.test("PodManager.shutdown() leaves static pods to the next agent", async () => {
  await using world = await World.open();
  const agent = world.agent();
  const pod = podOf("spin", { spec: { restartPolicy: "Always" } });
  agent.applyOwn(pod);
  await world.phase("web", "Running");
  await agent.shutdown(0, { failure: NODE_SHUTDOWN });
  assert.equal(world.status("web").phase, "Running");
  const next = world.agent();
  next.applyOwn(pod);
  await world.eventually("it runs again", () => world.runs.length === 2);
  await next.shutdown(0);
});

Deno.test("PodManager refuses pods that come while the node goes down, and no others", async () => {
  for (const failure of [NODE_SHUTDOWN, undefined]) {
    await using world = await World.open();
    const agent = world.agent();
    agent.apply(podOf("spin", { spec: { terminationGracePeriodSeconds: 3600 } }));
    await world.phase("web", "Running");
    const ending = agent.shutdown(100, { failure });
    agent.apply(podOf("ok", { name: "late" }));
    await ending;
    if (failure !== undefined) await world.phase("late", "Failed");
    assert.equal(world.status("late").reason, failure === undefined ? undefined : "NodeShutdown");
    assert.equal(world.runs.length, 1);
  }
});
