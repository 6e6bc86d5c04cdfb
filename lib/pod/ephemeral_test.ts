import assert from "node:assert/strict";
import type { ContainerStatus, Pod } from "../api/types.ts";
import { podOf, World } from "./_world.ts";

const debugged = (pod: Pod, ...guests: string[]): Pod => ({
  ...pod,
  spec: {
    ...pod.spec!,
    ephemeralContainers: guests.map((image, i) => ({
      name: `debug-${i}`,
      image,
      targetContainerName: "app",
    })),
  },
});

function ephemeral(world: World, name: string): ContainerStatus | undefined {
  return world.status("web").ephemeralContainerStatuses?.find((one) => one.name === name);
}

Deno.test("runEphemeral() starts what is added to a pod that runs, once, and nothing else", async () => {
  await using world = await World.open();
  const agent = world.agent();
  const pod = podOf("spin", { spec: { restartPolicy: "Always" } });
  agent.apply(pod);
  await world.phase("web", "Running");
  agent.apply(debugged(pod, "three"));
  await world.eventually(
    "the first has ended",
    () => ephemeral(world, "debug-0")?.state.terminated?.exitCode === 3,
  );
  agent.apply(debugged(pod, "three", "spin"));
  await world.eventually(
    "the second runs",
    () => ephemeral(world, "debug-1")?.state.running !== undefined,
  );
  agent.apply(debugged(pod, "three", "spin", "ok"));
  await world.eventually(
    "the third has ended",
    () => ephemeral(world, "debug-2")?.state.terminated !== undefined,
  );
  assert.deepEqual(world.runs.map(({ container }) => container), [
    "app",
    "debug-0",
    "debug-1",
    "debug-2",
  ]);
  assert.equal(ephemeral(world, "debug-0")?.restartCount, 0);
  assert.equal(ephemeral(world, "debug-1")?.ready, false);
  assert.equal(world.status("web").phase, "Running");
  assert.equal(world.container("web")?.ready, true);
  assert.ok(
    world.events.some(({ object }) => object.fieldPath === "spec.ephemeralContainers{debug-0}"),
  );
  await agent.shutdown(0);
});

Deno.test("runEphemeral() starts nothing again with the next agent", async () => {
  await using world = await World.open();
  const first = world.agent();
  const pod = debugged(podOf("spin", { spec: { restartPolicy: "Always" } }), "spin");
  first.apply(pod);
  await world.eventually(
    "both run",
    () =>
      ephemeral(world, "debug-0")?.state.running !== undefined &&
      world.container("web")?.state.running !== undefined,
  );
  const next = world.agent();
  next.apply(pod);
  await world.eventually("the app runs again", () => world.container("web")?.restartCount === 1);
  assert.equal(ephemeral(world, "debug-0")?.state.terminated?.reason, "ContainerStatusUnknown");
  assert.equal(world.runs.filter(({ container }) => container === "debug-0").length, 1);
  await next.shutdown(0);
  await first.shutdown(0);
});

Deno.test("runEphemeral() keeps no pod from ending, and its ending is not the pod's", async () => {
  await using world = await World.open();
  const agent = world.agent();
  const gate = Promise.withResolvers<void>();
  world.gates.set("ok", gate.promise);
  agent.apply(debugged(
    podOf("ok", { spec: { terminationGracePeriodSeconds: 0 } }),
    "three",
    "spin",
  ));
  await world.eventually(
    "both have begun",
    () =>
      ephemeral(world, "debug-0")?.state.terminated !== undefined &&
      ephemeral(world, "debug-1")?.state.running !== undefined,
  );
  gate.resolve();
  await world.phase("web", "Succeeded");
  assert.equal(ephemeral(world, "debug-1")?.state.terminated?.exitCode, 137);
  await agent.shutdown(0);
});
