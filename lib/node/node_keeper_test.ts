import assert from "node:assert/strict";
import type { Node } from "../api/types.ts";
import { HOUR_MS, WallClock } from "../_wall_clock.ts";
import { FakeApi, refusal } from "./_test_api.ts";
import { NodeKeeper, type NodeKeeperOptions } from "./node_keeper.ts";

interface Kept extends AsyncDisposable {
  readonly api: FakeApi;
  readonly keeper: NodeKeeper;
}

/** A keeper at work, with short rounds. */
function keep(api: FakeApi = new FakeApi(), more: Partial<NodeKeeperOptions> = {}): Kept {
  const keeper = new NodeKeeper({
    api,
    settings: {
      nodeName: "n",
      hostname: "n",
      nodeIp: "10.0.0.1",
      nodeLabels: {},
      registerWithTaints: undefined,
      maxPods: 1,
    },
    backend: { arch: "wasm32-wasi", architecture: "wasm-wasi", runtimeVersion: "x://1" },
    version: "1",
    port: 1,
    dataDir: ".",
    statusUpdateMs: 1,
    ...more,
  });
  const stop = new AbortController();
  const started = keeper.start(stop.signal);
  return {
    api,
    keeper,
    async [Symbol.asyncDispose](): Promise<void> {
      stop.abort();
      await started;
    },
  };
}

function readyOf(node: Node | undefined): string | undefined {
  return node?.status?.conditions?.find(({ type }) => type === "Ready")?.status;
}

function count(api: FakeApi, call: string): number {
  return api.calls.filter((made) => made === call).length;
}

Deno.test("NodeKeeper.start() makes a ready node with a lease", async () => {
  await using kept = keep();
  await kept.keeper.ready;
  assert.equal(readyOf(kept.api.node), "True");
  await kept.api.until(() => kept.api.lease !== undefined);
  assert.equal(kept.api.lease?.metadata?.ownerReferences?.[0]?.uid, kept.keeper.uid);
});

Deno.test("NodeKeeper.start() tells its status once, as long as nothing changes", async () => {
  await using kept = keep();
  await kept.api.until(() => count(kept.api, "get /api/v1/nodes/n") >= 5);
  assert.equal(count(kept.api, "patch /api/v1/nodes/n/status"), 1);
});

Deno.test("NodeKeeper.start() creates the node again when it is deleted", async () => {
  await using kept = keep();
  await kept.keeper.ready;
  const before = kept.keeper.uid;
  kept.api.node = undefined;
  await kept.api.until(() => kept.keeper.uid !== before);
  assert.equal(readyOf(kept.api.node), "True");
});

Deno.test("NodeKeeper.start() contradicts a cluster that gave it up", async () => {
  await using kept = keep();
  await kept.keeper.ready;
  kept.api.node!.status!.conditions!.find(({ type }) => type === "Ready")!.status = "Unknown";
  await kept.api.until(() => readyOf(kept.api.node) === "True");
});

Deno.test("NodeKeeper.start() lives through an API server that is away", async () => {
  const api = new FakeApi();
  let failures = 2;
  api.before = (call) => {
    if (call.includes("/nodes") && failures-- > 0) throw refusal(503);
  };
  await using kept = keep(api);
  await kept.keeper.ready;
});

Deno.test("NodeKeeper.shutdown() says why the node is not ready, and goes on with the lease", async () => {
  await using kept = keep();
  await kept.keeper.ready;
  await kept.keeper.shutdown();
  const ready = kept.api.node?.status?.conditions?.find(({ type }) => type === "Ready");
  assert.deepEqual(
    [ready?.status, ready?.reason, ready?.message],
    ["False", "KubeletNotReady", "node is shutting down"],
  );
  assert.equal(kept.api.patches.length, 2);
});

Deno.test("NodeKeeper.shutdown() has nothing to say when it was never started", async () => {
  const keeper = new NodeKeeper({
    api: new FakeApi(),
    settings: {
      nodeName: "n",
      hostname: "n",
      nodeIp: "10.0.0.1",
      nodeLabels: {},
      registerWithTaints: [],
      maxPods: 1,
    },
    backend: { arch: "a", architecture: "a", runtimeVersion: "x://1" },
    version: "1",
    port: 1,
    dataDir: ".",
  });
  await keeper.shutdown();
  assert.equal(keeper.uid, undefined);
});

Deno.test("NodeKeeper.start() tells nothing anew only because somebody set the clock", async () => {
  using clock = new WallClock();
  await using kept = keep();
  await kept.keeper.ready;
  const patches = (): number => count(kept.api, "patch /api/v1/nodes/n/status");
  const before = patches();
  for (const jump of [HOUR_MS, -2 * HOUR_MS]) {
    clock.jump(jump);
    const looks = count(kept.api, "get /api/v1/nodes/n");
    await kept.api.until(() => count(kept.api, "get /api/v1/nodes/n") >= looks + 3);
  }
  assert.equal(patches(), before);
});

Deno.test("NodeKeeper.start() tells what whoever evicts pods is short of, and decides nothing itself", async () => {
  let short: ReadonlySet<"memory" | "disk" | "pid"> = new Set(["memory", "pid"]);
  await using kept = keep(new FakeApi(), { shortages: () => Promise.resolve(short) });
  const told = (): string[] =>
    (kept.api.node?.status?.conditions ?? []).filter(({ type, status }) =>
      type.endsWith("Pressure") && status === "True"
    ).map(({ type }) => type);
  await kept.keeper.ready;
  assert.deepEqual(told(), ["MemoryPressure", "PIDPressure"]);
  short = new Set(["disk"]);
  await kept.api.until(() => told().includes("DiskPressure"));
  assert.deepEqual(told(), ["DiskPressure"]);
});
