/** Somebody sets the machine's clock while pods run. */
import assert from "node:assert/strict";
import type { Pod } from "../api/types.ts";
import { HOUR_MS, WallClock } from "../_wall_clock.ts";
import { deleted, podOf, World } from "./_world.ts";
import type { PodRecord } from "./record.ts";

const JUMPS = [HOUR_MS, -HOUR_MS];

/** The pod with another label: whoever follows it looks again. */
function touched(pod: Pod, times: number): Pod {
  return { ...pod, metadata: { ...pod.metadata, labels: { times: String(times) } } };
}

Deno.test("a clock that is set neither ends a pod nor spares it its grace period", async () => {
  for (const jump of JUMPS) {
    using clock = new WallClock();
    await using world = await World.open();
    const agent = world.agent();
    const pod = podOf("spin");
    agent.apply(pod);
    await world.phase("web", "Running");
    const fromMs = performance.now();
    agent.apply(deleted(pod, 1));
    const { ending } = agent.find("default", "web")!;
    await world.eventually("its end begins", () => ending.stop.aborted);
    clock.jump(jump);
    await world.eventually("it is gone", () => world.released.includes("web"));
    assert.ok(performance.now() - fromMs >= 990, "it had its grace period");
    agent.remove(pod);
    await agent.shutdown(0);
  }
});

Deno.test("a clock that is set forward shortens no end that has begun", async () => {
  using clock = new WallClock();
  await using world = await World.open();
  const agent = world.agent();
  const pod = podOf("spin", { spec: { terminationGracePeriodSeconds: 1_000 } });
  agent.apply(pod);
  await world.phase("web", "Running");
  agent.apply(deleted(pod, 1_000));
  const { ending } = agent.find("default", "web")!;
  await world.eventually("its end begins", () => ending.stop.aborted);
  clock.jump(HOUR_MS);
  assert.equal(ending.shorten(2_000_000), false);
  assert.equal(ending.kill.aborted, false);
  clock.jump(-2 * HOUR_MS);
  assert.equal(ending.shorten(2_000_000), false);
  assert.equal(ending.shorten(0), true);
  await world.eventually("it is gone", () => world.released.includes("web"));
  agent.remove(pod);
  await agent.shutdown(0);
});

Deno.test("a clock that is set neither fails a pod at its deadline nor moves it", async () => {
  for (const jump of JUMPS) {
    using clock = new WallClock();
    await using world = await World.open();
    const agent = world.agent();
    const spec = { activeDeadlineSeconds: 3_000, terminationGracePeriodSeconds: 0 };
    const pod = podOf("spin", { spec });
    agent.apply(pod);
    await world.phase("web", "Running");
    clock.jump(jump);
    agent.apply(touched(pod, 1));
    agent.apply(podOf("ok", { name: "other" }));
    await world.phase("other", "Succeeded");
    assert.equal(world.status("web").phase, "Running");
    agent.apply(podOf("spin", { spec: { ...spec, activeDeadlineSeconds: 1 } }));
    await world.phase("web", "Failed");
    assert.equal(world.status("web").reason, "DeadlineExceeded");
    await agent.shutdown(0);
  }
});

Deno.test("a clock that is set restarts no container", async () => {
  for (const jump of JUMPS) {
    using clock = new WallClock();
    await using world = await World.open();
    const agent = world.agent();
    const pod = podOf("polite", { spec: { restartPolicy: "Always" } });
    agent.apply(pod);
    await world.phase("web", "Running");
    clock.jump(jump);
    agent.apply(touched(pod, 1));
    agent.apply(podOf("ok", { name: "other" }));
    await world.phase("other", "Succeeded");
    assert.equal(world.runs.filter((run) => run.pod.name === "web").length, 1);
    assert.equal(world.container("web")?.restartCount, 0);
    await agent.shutdown(0);
  }
});

Deno.test("a clock that was set back while no agent ran makes no back-off longer", async () => {
  using clock = new WallClock();
  await using world = await World.open();
  const before = world.agent();
  const pod = podOf("three", { spec: { restartPolicy: "Always" } });
  before.apply(pod);
  await world.eventually(
    "it waits",
    () => world.container("web")?.state?.waiting?.reason === "CrashLoopBackOff",
  );
  await before.shutdown(0);
  const path = `${world.dir}/pods/uid-web/pod.json`;
  const record: PodRecord = JSON.parse(await Deno.readTextFile(path));
  const app = record.containers.app!;
  app.backoff = { ...app.backoff!, ms: 100 };
  await Deno.writeTextFile(path, JSON.stringify(record));
  clock.jump(-HOUR_MS);
  const runs = world.runs.length;
  const after = world.agent();
  after.apply(pod);
  await world.eventually("it runs again", () => world.runs.length > runs);
  await after.shutdown(0);
});
