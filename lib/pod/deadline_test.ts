import assert from "node:assert/strict";
import { podOf, World } from "./_world.ts";

const FAR = 1_000_000_000;

Deno.test("watchDeadline() heeds a deadline that is set, or moved, while the pod runs", async () => {
  for (const before of [undefined, FAR]) {
    await using world = await World.open();
    const agent = world.agent();
    const spec = (seconds: number | undefined): object => ({
      terminationGracePeriodSeconds: 0,
      ...(seconds === undefined ? {} : { activeDeadlineSeconds: seconds }),
    });
    agent.apply(podOf("spin", { spec: spec(before) }));
    await world.phase("web", "Running");
    agent.apply(podOf("spin", { spec: spec(1) }));
    await world.phase("web", "Failed");
    assert.equal(world.status("web").reason, "DeadlineExceeded");
    await agent.shutdown(0);
  }
});
