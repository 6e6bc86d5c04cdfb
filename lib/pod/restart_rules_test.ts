import assert from "node:assert/strict";
import { podOf, World } from "./_world.ts";

const WHEN_3 = [{ action: "Restart", exitCodes: { operator: "In", values: [3] } }];

Deno.test("a container's own policy and rules come before its pod's", async () => {
  await using world = await World.open();
  const agent = world.agent();
  agent.apply(podOf("ok", {
    spec: {
      restartPolicy: "Never",
      containers: [
        { name: "flaky", image: "flaky", restartPolicy: "Never", restartPolicyRules: WHEN_3 },
        { name: "once", image: "three" },
      ],
    },
  }));
  await world.eventually(
    "one runs again, the other does not",
    () =>
      world.container("web", "flaky")?.restartCount === 1 &&
      world.container("web", "flaky")?.state.running !== undefined &&
      world.container("web", "once")?.state.terminated?.exitCode === 3,
  );
  assert.equal(world.status("web").phase, "Running");
  await agent.shutdown(0);
});

Deno.test("a pod that always restarts ends when none of its containers does", async () => {
  await using world = await World.open();
  const agent = world.agent();
  const containers = (image: string): object => ({
    spec: {
      restartPolicy: "Always",
      containers: [{ name: "app", image, restartPolicy: "Never" }],
    },
  });
  agent.apply(podOf("ok", { name: "good", ...containers("ok") }));
  agent.apply(podOf("ok", { name: "bad", ...containers("three") }));
  await world.phase("good", "Succeeded");
  await world.phase("bad", "Failed");
  assert.equal(world.runs.length, 2);
  await agent.shutdown(0);
});

Deno.test("an init container that is never tried again fails its pod", async () => {
  await using world = await World.open();
  const agent = world.agent();
  agent.apply(podOf("ok", {
    spec: {
      restartPolicy: "Always",
      initContainers: [{ name: "init", image: "three", restartPolicy: "Never" }],
    },
  }));
  await world.phase("web", "Failed");
  assert.deepEqual(world.runs.map(({ container }) => container), ["init"]);
  await agent.shutdown(0);
});

Deno.test("a rule that restarts all containers is refused, and says so", async () => {
  await using world = await World.open();
  const agent = world.agent();
  const restartPolicyRules = [{ ...WHEN_3[0], action: "RestartAllContainers" }];
  agent.apply(podOf("ok", {
    spec: { containers: [{ name: "app", image: "ok", restartPolicyRules }] },
  }));
  await world.phase("web", "Failed");
  assert.equal(world.status("web").reason, "RestartAllContainersNotSupported");
  assert.equal(world.runs.length, 0);
  await agent.shutdown(0);
});
