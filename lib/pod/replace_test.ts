import assert from "node:assert/strict";
import type { Pod } from "../api/types.ts";
import { podOf, World } from "./_world.ts";

/** The same pod with another image for its container. */
function withImage(pod: Pod, image: string): Pod {
  return { ...pod, spec: { ...pod.spec, containers: [{ name: "app", image }] } };
}

Deno.test("another image takes the place of a run that has not begun yet, which counts for nothing", async () => {
  await using world = await World.open();
  const agent = world.agent();
  const pod = podOf("booting", { spec: { terminationGracePeriodSeconds: 0 } });
  agent.apply(pod);
  await world.eventually("it is being started", () => world.runs.length === 1);
  agent.apply(withImage(pod, "spin"));
  await world.eventually("the new one runs", () => world.container("web")?.started === true);
  assert.deepEqual(world.runs.map(({ argv, attempt }) => [argv[0], attempt]), [
    ["booting", 0],
    ["spin", 0],
  ]);
  const { restartCount, lastState, image } = world.container("web")!;
  assert.deepEqual([restartCount, lastState, image], [0, {}, "spin"]);
  assert.ok(world.said.every(({ status }) => status.phase !== "Failed"));
  await agent.shutdown(0);
});

Deno.test("another image does not begin anew what has ended by itself", async () => {
  await using world = await World.open();
  const agent = world.agent();
  const pod = podOf("ok");
  // The new image comes as soon as anybody can know of the end, while the run is tidied up.
  world.onPoint = (point) => {
    const ended = world.container("web")?.state.terminated !== undefined;
    if (ended && point.endsWith(" said")) agent.apply(withImage(pod, "three"));
  };
  agent.apply(pod);
  await world.eventually(
    "nothing is left to do",
    () => agent.find("default", "web")?.ending.cause === "ended",
  );
  assert.deepEqual(world.runs.map(({ argv }) => argv[0]), ["ok"]);
  assert.equal(world.status("web").phase, "Succeeded");
  await agent.shutdown(0);
});
