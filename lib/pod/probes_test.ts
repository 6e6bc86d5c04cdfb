import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Container } from "../api/types.ts";
import { podOf, World } from "./_world.ts";

/** A pod whose container `app` has these fields. */
function probed(
  guest: string,
  fields: Partial<Container>,
  spec: object = {},
): ReturnType<typeof podOf> {
  return podOf(guest, {
    spec: { containers: [{ name: "app", image: guest, ...fields }], ...spec },
  });
}

const asks = (name: string): { exec: { command: string[] } } => ({ exec: { command: [name] } });
const isReady = (world: World): boolean | undefined => world.container("web")?.ready;
const reasons = (world: World): string[] => world.events.map(({ reason }) => reason);

Deno.test("a readiness probe decides whether a container is ready, and goes on deciding", async () => {
  await using world = await World.open();
  let code = 1;
  world.program = () => code;
  const agent = world.agent();
  const readinessProbe = { ...asks("ready"), periodSeconds: 1, failureThreshold: 1 };
  agent.sync([probed("spin", { readinessProbe })]);
  await world.eventually("it is unhealthy", () => reasons(world).includes("Unhealthy"));
  const unhealthy = world.events.find(({ reason }) => reason === "Unhealthy");
  assert.equal(unhealthy?.message, "Readiness probe failed: ready says 1");
  await world.eventually("it is started", () => world.container("web")?.started === true);
  assert.equal(isReady(world), false);
  const conditions = world.status("web").conditions ?? [];
  assert.equal(conditions.find(({ type }) => type === "Ready")?.status, "False");
  code = 0;
  await world.eventually("it is ready", () => isReady(world) === true);
  code = 1;
  await world.eventually("it is ready no more", () => isReady(world) === false);
  assert.equal(world.container("web")?.restartCount, 0);
  await agent.shutdown(0);
});

Deno.test("a probe's command may refer to variables", async () => {
  await using world = await World.open();
  const agent = world.agent();
  const env = [{ name: "HOW", value: "well" }];
  agent.sync([probed("spin", { env, readinessProbe: asks("$(HOW)") })]);
  await world.eventually("it is asked", () => world.execs.length > 0);
  assert.equal(world.execs[0], "app: well");
  await agent.shutdown(0);
});

Deno.test("a liveness probe that fails ends the run within its own grace period, and it is restarted", async () => {
  await using world = await World.open();
  world.program = () => world.runs.length > 1 ? 0 : 1;
  const agent = world.agent();
  const livenessProbe = {
    ...asks("alive"),
    periodSeconds: 1,
    failureThreshold: 1,
    terminationGracePeriodSeconds: 0,
  };
  const spec = { restartPolicy: "Always", terminationGracePeriodSeconds: 600 };
  agent.sync([probed("spin", { livenessProbe }, spec)]);
  await world.eventually("it runs again", () => {
    const app = world.container("web");
    return app?.restartCount === 1 && app.state.running !== undefined;
  });
  assert.equal(world.container("web")?.lastState.terminated?.exitCode, 137);
  const killing = world.events.find(({ reason }) => reason === "Killing");
  assert.equal(killing?.message, "Container app failed liveness probe, will be restarted");
  await agent.shutdown(0);
});

Deno.test("a liveness probe that fails ends a pod that may not restart", async () => {
  await using world = await World.open();
  world.program = () => "hang";
  const agent = world.agent();
  const livenessProbe = {
    ...asks("alive"),
    failureThreshold: 1,
    terminationGracePeriodSeconds: 0,
  };
  agent.sync([probed("spin", { livenessProbe })]);
  await world.phase("web", "Failed");
  const unhealthy = world.events.find(({ reason }) => reason === "Unhealthy");
  assert.equal(
    unhealthy?.message,
    'Liveness probe failed: command ["alive"] timed out after 1s',
  );
  await agent.shutdown(0);
});

Deno.test("nothing else is asked, and nobody is ready, until the startup probe has succeeded", async () => {
  await using world = await World.open();
  let code = 1;
  world.program = () => code;
  const agent = world.agent();
  const probe = { periodSeconds: 1 };
  agent.sync([probed("spin", {
    startupProbe: { ...asks("up"), ...probe, failureThreshold: 100 },
    livenessProbe: { ...asks("alive"), ...probe },
    readinessProbe: { ...asks("ready"), ...probe },
  })]);
  await world.eventually("it was asked twice", () => world.execs.length === 2);
  assert.deepEqual(world.execs, ["app: up", "app: up"]);
  await world.eventually("it runs", () => world.container("web")?.state.running !== undefined);
  assert.deepEqual([isReady(world), world.container("web")?.started], [false, false]);
  code = 0;
  await world.eventually("it is ready", () => isReady(world) === true);
  assert.equal(world.container("web")?.started, true);
  assert.ok(world.execs.slice(0, 3).every((line) => line === "app: up"), world.execs.join());
  await agent.shutdown(0);
});

Deno.test("a container begins to run when its start hook has ended, and fails with it", async () => {
  await using world = await World.open();
  world.program = (argv) => argv[0] === "good" ? 0 : 2;
  const agent = world.agent();
  const hooked = (name: string): Partial<Container> => ({ lifecycle: { postStart: asks(name) } });
  agent.sync([probed("spin", hooked("good"))]);
  await world.phase("web", "Running");
  assert.deepEqual(world.execs, ["app: good"]);
  const bad = probed("polite", hooked("bad"), { terminationGracePeriodSeconds: 600 });
  agent.sync([{ ...bad, metadata: { ...bad.metadata, name: "bad", uid: "uid-bad" } }]);
  await world.eventually(
    "its hook has failed",
    () => reasons(world).includes("FailedPostStartHook"),
  );
  await world.eventually(
    "its run has ended",
    () => world.container("bad")?.state.terminated !== undefined,
  );
  assert.ok(
    world.said.every(({ pod, status }) =>
      pod.name !== "bad" ||
      status.containerStatuses?.every(({ state }) => state.running === undefined)
    ),
  );
  await agent.shutdown(0);
});

Deno.test("before a container is told to end, its stop hook has its time", async () => {
  await using world = await World.open();
  const agent = world.agent();
  const lifecycle = { preStop: { sleep: { seconds: 1 } } };
  const pod = probed("polite", { lifecycle }, { terminationGracePeriodSeconds: 600 });
  agent.sync([pod]);
  await world.phase("web", "Running");
  const fromMs = performance.now();
  const deletionTimestamp = new Date().toISOString();
  agent.sync([{ ...pod, metadata: { ...pod.metadata, deletionTimestamp } }]);
  await world.eventually("it is released", () => world.released.length === 1);
  assert.ok(performance.now() - fromMs >= 900);
  await agent.shutdown(0);
});

Deno.test("a stop hook ends with the grace period, and one that fails is told", async () => {
  await using world = await World.open();
  world.program = (argv) => argv[0] === "hang" ? "hang" : 4;
  const agent = world.agent();
  const containers = ["hang", "bad"].map((name) => ({
    name,
    image: "spin",
    lifecycle: { preStop: asks(name) },
  }));
  const pod = podOf("spin", { spec: { containers } });
  agent.sync([pod]);
  await world.phase("web", "Running");
  const metadata = {
    ...pod.metadata,
    deletionTimestamp: new Date().toISOString(),
    deletionGracePeriodSeconds: 1,
  };
  agent.sync([{ ...pod, metadata }]);
  await world.eventually("it is released", () => world.released.length === 1);
  assert.deepEqual(world.execs.toSorted(), ["bad: bad", "hang: hang"]);
  const [told, ...more] = world.events.filter(({ reason }) => reason === "FailedPreStopHook");
  assert.equal(told?.message, "PreStopHook failed: bad says 4");
  assert.deepEqual(more, []);
  await agent.shutdown(0);
});

Deno.test("a hook is sent by a kubelet's name, and by plain HTTP to who speaks nothing else", async () => {
  await using world = await World.open();
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers["user-agent"]);
    response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const agent = world.agent();
  const httpGet = { port, host: "127.0.0.1", scheme: "HTTPS" as const };
  agent.sync([probed("spin", { lifecycle: { postStart: { httpGet } } })]);
  await world.phase("web", "Running");
  const told = world.events.find(({ reason }) => reason === "LifecycleHTTPFallback");
  assert.equal(
    told?.message,
    `request to HTTPS lifecycle hook 127.0.0.1:${port} got HTTP response, retry with HTTP succeeded`,
  );
  assert.deepEqual(seen, ["kube-lifecycle/1.36"]);
  await agent.shutdown(0);
  await new Promise((resolve) => server.close(resolve));
});

Deno.test("a container whose stop signal is SIGKILL ends as soon as its stop hook has", async () => {
  await using world = await World.open();
  world.stopSignals.set("spin", "SIGKILL");
  const { promise, resolve } = Promise.withResolvers<void>();
  world.program = () => {
    resolve();
    return 0;
  };
  const agent = world.agent();
  const lifecycle = { stopSignal: "SIGKILL" };
  const own = { name: "own", image: "other", command: ["spin"], lifecycle };
  const app = { name: "app", image: "spin", lifecycle: { preStop: asks("bye") } };
  const spec = { containers: [app, own], terminationGracePeriodSeconds: 600 };
  const pod = podOf("spin", { spec });
  agent.sync([pod]);
  await world.phase("web", "Running");
  const metadata = { ...pod.metadata, deletionTimestamp: new Date().toISOString() };
  agent.sync([{ ...pod, metadata }]);
  await promise;
  await world.eventually("it is released", () => world.released.length === 1);
  assert.deepEqual(world.execs, ["app: bye"]);
  for (const name of ["app", "own"]) {
    assert.equal(world.container("web", name)?.state.terminated?.exitCode, 137);
  }
  assert.equal(world.container("web", "own")?.stopSignal, "SIGKILL");
  assert.equal(world.container("web", "app")?.stopSignal, undefined);
  await agent.shutdown(0);
});
