import assert from "node:assert/strict";
import { KubeletError } from "../errors.ts";
import { namesIn } from "../files.ts";
import { deleted, podOf, World } from "./_world.ts";
import type { PodRecord } from "./record.ts";

Deno.test("PodManager runs a sidecar beside the containers, and no longer than they do", async () => {
  await using world = await World.open();
  const agent = world.agent();
  const sidecar = { name: "side", image: "polite", restartPolicy: "Always" };
  agent.apply(podOf("ok", { spec: { initContainers: [sidecar] } }));
  await world.phase("web", "Succeeded");
  assert.deepEqual(world.runs.map(({ container }) => container), ["side", "app"]);
  assert.equal(world.container("web", "side")?.state.terminated?.exitCode, 0);
  await agent.shutdown(0);
});

Deno.test("PodManager ends sidecars after all others, the last started first", async () => {
  await using world = await World.open();
  const agent = world.agent();
  const sidecar = (name: string): object => ({ name, image: "polite", restartPolicy: "Always" });
  const initContainers = [sidecar("one"), sidecar("two")];
  const lifecycle = { preStop: { sleep: { seconds: 1 } } };
  const containers = [{ name: "app", image: "polite", lifecycle }];
  const pod = podOf("polite", { spec: { initContainers, containers } });
  agent.apply(pod);
  await world.phase("web", "Running");
  agent.apply(deleted(pod, 60));
  await world.eventually("it is released", () => world.released.length === 1);
  const ends = world.said.map(({ status }) =>
    [...status.initContainerStatuses ?? [], ...status.containerStatuses ?? []]
      .filter(({ state }) => state.terminated !== undefined).map(({ name }) => name).join(" ")
  );
  assert.deepEqual([...new Set(ends)], ["", "app", "two app", "one two app"]);
  assert.deepEqual(
    world.events.filter(({ reason }) => reason === "Killing").map(({ message }) => message),
    ["app", "two", "one"].map((name) => `Stopping container ${name}`),
  );
  await agent.shutdown(0);
});

Deno.test("PodManager gives a container that runs another image, whatever its restart policy", async () => {
  await using world = await World.open();
  const agent = world.agent();
  const spec = { terminationGracePeriodSeconds: 0 };
  const pod = podOf("spin", { spec });
  const changed = (image: string): typeof pod => ({ ...pod, spec: podOf(image, { spec }).spec! });
  agent.apply(pod);
  await world.phase("web", "Running");
  agent.apply(changed("polite"));
  await world.eventually("the other one runs", () => {
    const app = world.container("web");
    return app?.image === "polite" && app.state.running !== undefined;
  });
  assert.equal(world.container("web")?.restartCount, 1);
  assert.equal(world.container("web")?.lastState.terminated?.exitCode, 137);
  assert.equal(
    world.events.find(({ reason }) => reason === "Killing")?.message,
    "Container app definition changed, will be restarted",
  );
  agent.apply(changed("ok"));
  await world.phase("web", "Succeeded");
  assert.equal(world.container("web")?.restartCount, 2);
  await agent.shutdown(0);
});

Deno.test("PodManager pulls another image at once, and runs it, when the first could not be had", async () => {
  await using world = await World.open();
  world.missing.set("typo", new KubeletError("image_pull", "not found"));
  const agent = world.agent();
  agent.apply(podOf("typo"));
  await world.eventually(
    "it backs off",
    () => world.container("web")?.state.waiting?.reason === "ImagePullBackOff",
  );
  agent.apply(podOf("ok"));
  await world.phase("web", "Succeeded");
  assert.equal(world.container("web")?.restartCount, 0);
  await agent.shutdown(0);
});

Deno.test("PodManager tells how a container has ended that waited when its pod was deleted", async () => {
  await using world = await World.open();
  const agent = world.agent();
  for (const [guest, phase, code] of [["three", "Failed", 3], ["ok", "Succeeded", 0]] as const) {
    const pod = podOf(guest, { name: guest, spec: { restartPolicy: "Always" } });
    agent.apply(pod);
    await world.eventually(
      "it backs off",
      () => world.container(guest)?.state.waiting?.reason === "CrashLoopBackOff",
    );
    agent.apply(deleted(pod, 30));
    await world.eventually("it is released", () => world.released.includes(guest));
    assert.equal(world.status(guest).phase, phase);
    assert.equal(world.container(guest)?.state.terminated?.exitCode, code);
  }
  await agent.shutdown(0);
});

Deno.test("PodManager starts no sidecar again once its pod's end has begun", async () => {
  await using world = await World.open();
  const agent = world.agent();
  const podWith = (sidecar: string): ReturnType<typeof podOf> => {
    const initContainers = [{ name: "side", image: sidecar, restartPolicy: "Always" }];
    return podOf("spin", { spec: { initContainers, terminationGracePeriodSeconds: 0 } });
  };
  agent.apply(podWith("polite"));
  await world.phase("web", "Running");
  agent.apply(deleted(podWith("polite"), 1));
  await world.eventually(
    "its end has begun",
    () => world.events.some(({ reason }) => reason === "Killing"),
  );
  agent.apply(deleted(podWith("spin"), 1));
  await world.eventually("it is released", () => world.released.length === 1);
  assert.deepEqual(world.runs.map(({ container }) => container), ["side", "app"]);
  assert.equal(world.container("web", "side")?.restartCount, 0);
  await agent.shutdown(0);
});

Deno.test("PodManager does not hold a stop of the agent against a guest that obeys it", async () => {
  await using world = await World.open();
  const pod = podOf("polite", { spec: { restartPolicy: "Always" } });
  for (let starts = 1; starts <= 3; starts++) {
    const agent = world.agent();
    agent.apply(pod);
    await world.eventually(
      "it runs",
      () => world.runs.length === starts && world.container("web")?.state.running !== undefined,
    );
    await agent.shutdown(1_000);
  }
  assert.equal(world.container("web")?.lastState.terminated?.exitCode, 0);
});

Deno.test("PodManager removes what runs of a container have left, when another one begins", async () => {
  await using world = await World.open();
  const before = world.agent();
  const pod = podOf("polite", { spec: { restartPolicy: "Always" } });
  before.apply(pod);
  await world.phase("web", "Running");
  await before.shutdown(0);
  const dir = `${world.dir}/pods/uid-web`;
  const record: PodRecord = JSON.parse(await Deno.readTextFile(`${dir}/pod.json`));
  record.containers.app!.restartCount = 5;
  await Deno.writeTextFile(`${dir}/pod.json`, JSON.stringify(record));
  // As agents leave it that were killed while a guest ran.
  const roots = `${dir}/containers/app`;
  for (const root of ["3-words", "5/deep", "5-words"]) {
    await Deno.mkdir(`${roots}/${root}`, { recursive: true });
  }
  for (const mark of ["3-filled", "6-filled"]) await Deno.writeTextFile(`${roots}/${mark}`, "");
  const after = world.agent();
  after.apply(pod);
  await world.eventually("the next run is under way", () => world.runs.length === 2);
  assert.equal(world.runs[1]?.attempt, 6);
  assert.deepEqual((await namesIn(roots)).sort(), ["6", "6-filled"]);
  await after.shutdown(0);
});

Deno.test("PodManager ends a back-off if the image has changed while no agent looked", async () => {
  await using world = await World.open();
  const spec = { restartPolicy: "Always" };
  const first = world.agent();
  first.apply(podOf("three", { spec }));
  await world.eventually(
    "it backs off",
    () => world.container("web")?.state.waiting?.reason === "CrashLoopBackOff",
  );
  await first.shutdown(0);
  const second = world.agent();
  second.apply(podOf("spin", { spec }));
  await world.eventually("it runs", () => world.container("web")?.state.running !== undefined);
  assert.equal(world.container("web")?.image, "spin");
  assert.equal(world.container("web")?.restartCount, 2);
  assert.equal(world.events.filter(({ reason }) => reason === "BackOff").length, 1);
  await second.shutdown(0);
});

Deno.test("PodManager starts no sidecar of a pod whose work has ended with the agent before", async () => {
  await using world = await World.open();
  const initContainers = [{ name: "side", image: "spin", restartPolicy: "Always" }];
  const pod = podOf("spin", { spec: { initContainers } });
  const killed = world.agent();
  killed.apply(pod);
  await world.phase("web", "Running");
  const next = world.agent();
  next.apply(pod);
  await world.phase("web", "Failed");
  await next.shutdown(0);
  assert.deepEqual(world.runs.map(({ container }) => container), ["side", "app"]);
  assert.equal(world.container("web", "side")?.restartCount, 0);
  await killed.shutdown(0);
});

Deno.test("PodManager tells of a restart when it tells of the run that it began", async () => {
  await using world = await World.open();
  const agent = world.agent();
  agent.apply(podOf("flaky", { spec: { restartPolicy: "Always" } }));
  await world.eventually("the second run is told of", () => {
    const { restartCount, state } = world.container("web") ?? {};
    return restartCount === 1 && state?.running !== undefined;
  });
  const counted = world.said.flatMap(({ status }) => status.containerStatuses ?? [])
    .filter(({ restartCount }) => restartCount === 1);
  assert.deepEqual(counted.filter(({ state }) => state.waiting !== undefined), []);
  await agent.shutdown(0);
});
