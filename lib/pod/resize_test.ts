import assert from "node:assert/strict";
import type { Container, Pod, PodCondition } from "../api/types.ts";
import { Ledger } from "../resources/ledger.ts";
import { podOf, World } from "./_world.ts";

type Resources = NonNullable<Container["resources"]>;

function sized(resources: Resources, more: object = {}): Pod {
  const containers = [{ name: "app", image: "polite", resources, ...more }];
  return podOf("polite", { spec: { restartPolicy: "Always", containers } });
}

function pending(world: World): PodCondition | undefined {
  return world.status("web").conditions?.find(({ type }) => type === "PodResizePending");
}

const told = (world: World): string[] =>
  world.events.filter(({ reason }) => reason.startsWith("Resize"))
    .map(({ type, reason, message }) => `${type} ${reason} ${message}`);

async function start(world: World, pod: Pod): Promise<ReturnType<World["agent"]>> {
  const agent = world.agent();
  agent.apply(pod);
  await world.eventually("it runs", () => world.container("web")?.started === true);
  return agent;
}

Deno.test("a resize of cpu and of requests is agreed to without a restart", async () => {
  await using world = await World.open();
  const agent = await start(world, sized({ requests: { cpu: "100m" } }));
  assert.deepEqual(world.container("web")?.allocatedResources, { cpu: "100m" });
  agent.apply(sized({ requests: { cpu: "200m" }, limits: { cpu: "1" } }));
  await world.eventually(
    "it has more",
    () => world.container("web")?.resources?.limits !== undefined,
  );
  const { resources, allocatedResources, restartCount } = world.container("web")!;
  assert.deepEqual(resources, { requests: { cpu: "200m" }, limits: { cpu: "1" } });
  assert.deepEqual(allocatedResources, { cpu: "200m" });
  assert.deepEqual([restartCount, world.runs.length, pending(world)], [0, 1, undefined]);
  const now = '{"containers":[{"name":"app","resources":{"limits":{"cpu":"1"},' +
    '"requests":{"cpu":"200m"}}}],"generation":1}';
  await world.eventually("it is told", () => told(world).length === 2);
  assert.deepEqual(told(world), [
    `Normal ResizeStarted Pod resize started: ${now}`,
    `Normal ResizeCompleted Pod resize completed: ${now}`,
  ]);
  await agent.shutdown(0);
});

Deno.test("the limit of cpu of a container that runs follows its pod's, and is nobody's when it is over", async () => {
  await using world = await World.open();
  const agent = await start(world, sized({ limits: { cpu: "250m" } }));
  assert.equal(world.runs[0]?.limits.cpuMillis, 250);
  const seen = async (...wanted: (number | undefined)[]): Promise<void> => {
    await world.eventually(`${wanted}`, () => world.cpuLimits.length >= wanted.length);
    assert.deepEqual(world.cpuLimits, wanted);
  };
  await seen(250);
  agent.apply(sized({ limits: { cpu: "1.5" } }));
  await seen(250, 1500);
  agent.apply(sized({ limits: { cpu: "1.5", memory: "0" } }));
  agent.apply(sized({}));
  await seen(250, 1500, undefined);
  assert.equal(world.events.some(({ reason }) => reason === "CPULimitNotKept"), false);
  await agent.shutdown(0);
});

Deno.test("a limit of cpu that the runtime does not keep is told of once; without one nobody asks", async () => {
  await using world = await World.open();
  world.keepsCpuLimits = false;
  const agent = await start(world, sized({ requests: { cpu: "100m" } }));
  assert.deepEqual(world.cpuLimits, []);
  agent.apply(sized({ limits: { cpu: "250m" } }));
  agent.apply(sized({ limits: { cpu: "300m" } }));
  await world.eventually("it was tried", () => world.cpuLimits.includes(300));
  const told = world.events.filter(({ reason }) => reason === "CPULimitNotKept");
  assert.deepEqual(told.map(({ message }) => message), [
    'Cannot keep container "app" within its CPU limit: this machine cannot do it',
  ]);
  await agent.shutdown(0);
});

Deno.test("another memory limit is infeasible without a restart, and no more once it is taken back", async () => {
  await using world = await World.open();
  const agent = await start(world, sized({ limits: { memory: "64Mi" } }));
  agent.apply(sized({ limits: { memory: "1Gi" } }));
  await world.eventually("it is refused", () => pending(world)?.reason === "Infeasible");
  assert.match(
    pending(world)?.message ?? "",
    /container "app" has no resizePolicy RestartContainer/,
  );
  assert.deepEqual(world.container("web")?.resources, { limits: { memory: "64Mi" } });
  assert.match(
    told(world).join(),
    /^Warning ResizeInfeasible Pod resize Infeasible: .*"generation":1,"error":"the memory limit of a/,
  );
  agent.apply(sized({ limits: { memory: "64Mi" } }));
  await world.eventually("nothing is pending", () => pending(world) === undefined);
  assert.equal(world.runs.length, 1);
  await agent.shutdown(0);
});

Deno.test("another memory limit restarts a container whose policy says so, and the guest has it", async () => {
  await using world = await World.open();
  const policy = { resizePolicy: [{ resourceName: "memory", restartPolicy: "RestartContainer" }] };
  const agent = await start(world, sized({ limits: { memory: "64Mi" } }, policy));
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  world.gates.set("polite", gate); // the second run waits for its image
  agent.apply(sized({ limits: { memory: "128Mi" } }, policy));
  await world.eventually("it is to run again", () => world.container("web")?.restartCount === 1);
  assert.match(told(world).join(), /^Normal ResizeStarted /);
  assert.ok(!told(world).join().includes("ResizeCompleted"));
  open();
  await world.eventually(
    "it runs again",
    () => world.container("web")?.started === true && world.container("web")?.restartCount === 1,
  );
  assert.deepEqual(world.runs.map(({ limits }) => limits.memoryBytes), [
    64 * 2 ** 20,
    128 * 2 ** 20,
  ]);
  assert.deepEqual(world.container("web")?.resources, { limits: { memory: "128Mi" } });
  await world.eventually("it is told", () => told(world).join().includes("ResizeCompleted"));
  await agent.shutdown(0);
});

Deno.test("a resize without room waits, and one that can never have it says so", async () => {
  await using world = await World.open();
  world.ledger = new Ledger({ cpu: "1", pods: "9" });
  world.ledger.keep("another", sized({ requests: { cpu: "600m" } }));
  const agent = await start(world, sized({ requests: { cpu: "100m" } }));
  agent.apply(sized({ requests: { cpu: "2" } }));
  await world.eventually("it is refused", () => pending(world)?.reason === "Infeasible");
  agent.apply(sized({ requests: { cpu: "500m" } }));
  await world.eventually("it has to wait", () => pending(world)?.reason === "Deferred");
  assert.match(told(world).at(-1) ?? "", /^Warning ResizeDeferred Pod resize Deferred: /);
  assert.deepEqual(world.container("web")?.allocatedResources, { cpu: "100m" });
  world.ledger.release("another");
  agent.apply(sized({ requests: { cpu: "501m" } }));
  await world.eventually("it is agreed to", () => pending(world) === undefined);
  assert.deepEqual(world.container("web")?.allocatedResources, { cpu: "501m" });
  await agent.shutdown(0);
});
