import assert from "node:assert/strict";
import { KubeletError } from "../errors.ts";
import { podOf, World } from "./_world.ts";
import { type LogPlace, type NoLog, PodLogs } from "./logs.ts";
import type { PodManager } from "./manager.ts";

const ALWAYS = { spec: { restartPolicy: "Always" } };

/** An agent on a machine of its own, and the logs of its pods. */
interface Room extends AsyncDisposable {
  readonly world: World;
  readonly agent: PodManager;
  /** Locates the log of pod `web`. */
  locate(container?: string, previous?: boolean): LogPlace | NoLog;
}

async function open(guest: string, options = {}): Promise<Room> {
  const world = await World.open();
  const agent = world.agent();
  const logs = new PodLogs(agent, `${world.dir}/logs`);
  world.missing.set("missing", new KubeletError("image_pull", "Cannot pull", { reason: "x" }));
  agent.sync([podOf(guest, options)]);
  return {
    world,
    agent,
    locate: (container = "app", previous = false) =>
      logs.locate({ namespace: "default", pod: "web", container }, previous),
    async [Symbol.asyncDispose](): Promise<void> {
      await agent.shutdown(0);
      await world[Symbol.asyncDispose]();
    },
  };
}

/** The number of the run that was found, or the kind and the words of the error. */
async function found(place: LogPlace | NoLog): Promise<unknown> {
  if ("error" in place) return [place.error, place.message];
  await place.ended();
  return place.attempt;
}

Deno.test("PodLogs.locate() finds the newest run, which goes on until the guest ends", async () => {
  await using room = await open("spin");
  await room.world.phase("web", "Running");
  const place = room.locate();
  assert.ok("dir" in place);
  assert.equal(place.dir, `${room.world.dir}/logs/default_web_uid-web/app`);
  assert.equal(place.attempt, 0);
  let ended = false;
  const over = place.ended().then(() => ended = true);
  await Promise.resolve();
  assert.equal(ended, false);
  await room.agent.shutdown(0);
  await over;
});

Deno.test("PodLogs.locate() finds the run of a pod that has ended", async () => {
  await using room = await open("ok");
  await room.world.phase("web", "Succeeded");
  assert.equal(await found(room.locate()), 0);
});

Deno.test("PodLogs.locate() finds the run before the one that runs now", async () => {
  await using room = await open("flaky", ALWAYS);
  await room.world.eventually(
    "it runs again",
    () =>
      room.world.container("web")?.restartCount === 1 &&
      room.world.container("web")?.state.running !== undefined,
  );
  assert.equal(await found(room.locate("app", true)), 0);
  const newest = room.locate();
  assert.equal("attempt" in newest && newest.attempt, 1);
});

Deno.test("PodLogs.locate() has the last run for both questions while the container backs off", async () => {
  await using room = await open("three", ALWAYS);
  await room.world.eventually(
    "it backs off",
    () => room.world.container("web")?.state.waiting?.reason === "CrashLoopBackOff",
  );
  assert.equal(await found(room.locate("app", true)), 1);
  assert.equal(await found(room.locate()), 1);
});

Deno.test("PodLogs.locate() has the last run that began while the next one waits for its image", async () => {
  await using room = await open("three", ALWAYS);
  const { world } = room;
  const lost = new KubeletError("image_pull", "Cannot pull", { reason: "x" });
  world.missing.get = () => world.runs.length === 0 ? undefined : lost;
  await world.eventually(
    "the next run waits",
    () =>
      world.container("web")?.restartCount === 1 &&
      world.container("web")?.state.waiting?.reason === "ErrImagePull",
  );
  assert.equal(await found(room.locate()), 0);
  assert.equal(await found(room.locate("app", true)), 0);
});

Deno.test("PodLogs.locate() waits for the end of a run once, and only if it is asked to", async () => {
  await using room = await open("spin");
  await room.world.phase("web", "Running");
  const pod = room.agent.find("default", "web")!;
  const wait = pod.changes.changed;
  let waits = 0;
  pod.changes.changed = (signal) => {
    waits++;
    return wait.call(pod.changes, signal);
  };
  const places = Array.from({ length: 100 }, () => room.locate());
  assert.equal(waits, 0);
  const ends = places.map((place) => "ended" in place ? place.ended() : undefined);
  assert.equal(waits, 1);
  await room.agent.shutdown(0);
  await Promise.all(ends);
});

Deno.test("PodLogs.locate() has no previous run of a container that ran once", async () => {
  await using room = await open("spin");
  await room.world.phase("web", "Running");
  assert.deepEqual(await found(room.locate("app", true)), [
    "previous",
    'previous terminated container "app" in pod "web" not found',
  ]);
});

Deno.test("PodLogs.locate() says what a container waits for that never ran", async () => {
  await using room = await open("missing");
  await room.world.eventually(
    "its image is missing",
    () => room.world.container("web")?.state.waiting?.reason === "ErrImagePull",
  );
  assert.deepEqual(await found(room.locate()), [
    "waiting",
    'container "app" in pod "web" is waiting to start: ErrImagePull',
  ]);
  assert.equal((await found(room.locate("app", true)) as string[])[0], "previous");
});

Deno.test("PodLogs.locate() knows only the pods and containers that there are", async () => {
  await using room = await open("spin");
  await room.world.phase("web", "Running");
  for (const other of ["other", "constructor", "__proto__"]) {
    assert.deepEqual(await found(room.locate(other)), [
      "container",
      `container "${other}" in pod "web" is not available`,
    ]);
  }
  const logs = new PodLogs(room.agent, room.world.dir);
  for (const [namespace, pod] of [["default", "db"], ["kube-system", "web"]] as const) {
    const place = logs.locate({ namespace, pod, container: "app" }, false);
    assert.deepEqual(await found(place), [
      "pod",
      `pod "${pod}" in namespace "${namespace}" not found`,
    ]);
  }
});
