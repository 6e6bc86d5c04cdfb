import assert from "node:assert/strict";
import type { ContainerStatus } from "../api/types.ts";
import { deleted, podOf, World } from "./_world.ts";

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

const ALL_WHEN_3 = [{ ...WHEN_3[0], action: "RestartAllContainers" as const }];
const source = (image: string, more: object = {}): object => ({
  name: "source",
  image,
  restartPolicy: "Never",
  restartPolicyRules: ALL_WHEN_3,
  ...more,
});
const counts = (world: World): unknown => {
  const { initContainerStatuses = [], containerStatuses = [] } = world.status("web");
  return [...initContainerStatuses, ...containerStatuses].map(({ name, restartCount }) =>
    `${name} ${restartCount}`
  );
};

Deno.test("a rule starts all containers of a pod again, from its first init container on", async () => {
  await using world = await World.open();
  const agent = world.agent();
  agent.apply(podOf("ok", {
    spec: {
      restartPolicy: "Never",
      initContainers: [
        { name: "init", image: "ok" },
        { name: "sidecar", image: "spin", restartPolicy: "Always" },
      ],
      containers: [source("flaky"), { name: "app", image: "spin" }],
    },
  }));
  await world.eventually(
    "all run again",
    () =>
      world.container("web", "source")?.restartCount === 1 &&
      world.container("web", "source")?.state.running !== undefined &&
      world.container("web", "app")?.restartCount === 1 &&
      world.container("web", "app")?.state.running !== undefined,
  );
  assert.deepEqual(counts(world), ["init 1", "sidecar 1", "source 1", "app 1"]);
  const last = (name: string): unknown => {
    const { exitCode, reason } = world.container("web", name)?.lastState.terminated ?? {};
    return [exitCode, reason];
  };
  assert.deepEqual(last("init"), [0, "Completed"]);
  assert.deepEqual(last("source"), [3, "Error"]);
  assert.deepEqual(last("app"), [137, "RestartingAllContainers"]);
  assert.deepEqual(last("sidecar"), [137, "RestartingAllContainers"]);
  const order = world.runs.map(({ container, attempt }) => `${container} ${attempt}`);
  assert.deepEqual(order.slice(0, 2), ["init 0", "sidecar 0"]);
  assert.ok(order.indexOf("init 1") < order.indexOf("sidecar 1"), order.join());
  assert.ok(order.indexOf("sidecar 1") < order.indexOf("app 1"), order.join());
  assert.equal(order.length, 8);
  const phases = world.said.map(({ status }) => status.phase);
  assert.deepEqual(phases.slice(phases.indexOf("Running")).filter((one) => one !== "Running"), []);
  const restarting = world.said.flatMap(({ status }) =>
    status.conditions?.find(({ type }) => type === "AllContainersRestarting")?.status ?? []
  );
  assert.ok(restarting.includes("True"));
  assert.equal(restarting.at(-1), "False");
  await agent.shutdown(0);
});

Deno.test("a sidecar or an init container can start all again, and those that end by it fail nothing", async () => {
  await using world = await World.open();
  const agent = world.agent();
  agent.apply(podOf("ok", {
    spec: {
      restartPolicy: "Never",
      initContainers: [source("flaky", { restartPolicy: "Always" })],
      containers: [{ name: "app", image: "spin" }],
    },
  }));
  agent.apply(podOf("ok", {
    name: "init",
    spec: {
      restartPolicy: "Never",
      initContainers: [
        { name: "sidecar", image: "spin", restartPolicy: "Always" },
        { name: "first", image: "ok" },
        source("second"),
      ],
      terminationGracePeriodSeconds: 0,
    },
  }));
  await world.eventually(
    "its containers run again",
    () =>
      world.container("web", "source")?.restartCount === 1 &&
      world.container("web", "source")?.state.running !== undefined &&
      world.container("web")?.state.running !== undefined,
  );
  await world.phase("init", "Succeeded");
  const { initContainerStatuses, containerStatuses } = world.status("init");
  assert.deepEqual(
    [...initContainerStatuses ?? [], ...containerStatuses ?? []].map((one) => one.restartCount),
    [1, 1, 1, 0],
  );
  assert.ok(world.said.every(({ status }) => status.phase !== "Failed"));
  await agent.shutdown(0);
});

Deno.test("a pod whose containers begin again ends when it is deleted, and keeps who looks into it", async () => {
  await using world = await World.open();
  const agent = world.agent();
  const { promise: gate, resolve: begin } = Promise.withResolvers<void>();
  world.gates.set("flaky", gate);
  const containers = [source("flaky"), { name: "app", image: "spin" }];
  const pod = podOf("ok", {
    spec: {
      containers,
      ephemeralContainers: [{ name: "look", image: "spin" }],
      terminationGracePeriodSeconds: 0,
    },
  });
  agent.apply(pod);
  const look = (): ContainerStatus | undefined =>
    world.status("web").ephemeralContainerStatuses?.[0];
  await world.eventually("somebody looks into it", () => look()?.state.running !== undefined);
  begin();
  await world.eventually("it runs again", () => {
    const app = world.container("web");
    return app?.restartCount === 1 && app.state.running !== undefined;
  });
  assert.ok(look()?.state.running !== undefined);
  agent.apply(deleted(pod));
  await world.eventually("it is released", () => world.released.length === 1);
  assert.equal(world.runs.filter(({ container }) => container === "look").length, 1);
  assert.equal(look()?.state.terminated?.reason, "Error");
  await agent.shutdown(0);
});

Deno.test("a rule starts nothing again in a pod that is about to end, and takes nobody's grace period", async () => {
  await using world = await World.open();
  const { promise, resolve } = Promise.withResolvers<void>();
  world.guests.set("gives-up", () => promise.then(() => ({ kind: "exited", code: 3 })));
  const agent = world.agent();
  const pod = podOf("spin", {
    spec: {
      restartPolicy: "Never",
      initContainers: [source("gives-up", { restartPolicy: "Always" })],
      containers: [{ name: "app", image: "spin" }],
    },
  });
  agent.apply(pod);
  await world.eventually("it runs", () => world.container("web")?.state.running !== undefined);
  agent.apply(deleted(pod, 600));
  await world.eventually(
    "it is told",
    () => world.events.some(({ reason }) => reason === "Killing"),
  );
  resolve();
  await world.eventually(
    "the sidecar has ended",
    () => world.container("web", "source")?.state.terminated?.exitCode === 3,
  );
  // What would follow from it comes when the run's own folder is gone: a few turns of the disk later.
  for (let turns = 0; turns < 500; turns++) await Deno.stat(world.dir);
  assert.ok(world.container("web")?.state.running !== undefined);
  agent.apply(deleted(pod, 0));
  await world.eventually("it is released", () => world.released.length === 1);
  assert.equal(world.runs.length, 2);
  const restarting = world.said.flatMap(({ status }) =>
    status.conditions?.find(({ type }) => type === "AllContainersRestarting")?.status ?? []
  );
  assert.ok(!restarting.includes("True"));
  await agent.shutdown(0);
});

Deno.test("an init container that has succeeded has done its work, whatever its rules say", async () => {
  await using world = await World.open();
  const agent = world.agent();
  const restartPolicyRules = [
    { action: "Restart", exitCodes: { operator: "NotIn", values: [3] } },
  ];
  const initContainers = [
    { name: "init", image: "ok", restartPolicy: "Never", restartPolicyRules },
  ];
  agent.apply(podOf("ok", { spec: { initContainers } }));
  await world.phase("web", "Succeeded");
  assert.deepEqual(world.runs.map(({ container }) => container), ["init", "app"]);
  await agent.shutdown(0);
});
