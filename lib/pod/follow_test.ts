import assert from "node:assert/strict";
import type { Pod } from "../api/types.ts";
import { podOf, World } from "./_world.ts";

const GATE = "example.com/traffic";

const gated = (status?: "True" | "False"): Pod => ({
  ...podOf("spin", { spec: { readinessGates: [{ conditionType: GATE }] } }),
  ...(status === undefined ? {} : { status: { conditions: [{ type: GATE, status }] } }),
});

function ready(world: World): (string | undefined)[] {
  const { conditions = [] } = world.status("web");
  return ["ContainersReady", "Ready"].map((type) =>
    conditions.find((one) => one.type === type)?.status
  );
}

Deno.test("followPod() lets others have a word in a pod's readiness", async () => {
  await using world = await World.open();
  const agent = world.agent();
  agent.apply(gated());
  await world.eventually("its containers are ready", () => ready(world)[0] === "True");
  assert.equal(ready(world)[1], "False");
  agent.apply(gated("True"));
  await world.eventually("it is ready", () => ready(world)[1] === "True");
  agent.apply(gated("False"));
  await world.eventually("it is not any more", () => ready(world)[1] === "False");
  assert.equal(ready(world)[0], "True");
  await agent.shutdown(0);
});

Deno.test("followPod() tells that a newer spec was seen", async () => {
  await using world = await World.open();
  const agent = world.agent();
  const pod = podOf("spin");
  agent.apply(pod);
  await world.phase("web", "Running");
  agent.apply({ ...pod, metadata: { ...pod.metadata, generation: 7 } });
  await world.eventually("it says so", () => world.status("web").observedGeneration === 7);
  await agent.shutdown(0);
});
