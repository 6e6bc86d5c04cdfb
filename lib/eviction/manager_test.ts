import assert from "node:assert/strict";
import type { Pod, PodSpec } from "../api/types.ts";
import { HOUR_MS, WallClock } from "../_wall_clock.ts";
import { EvictionManager, type PodUsage } from "./manager.ts";
import type { Observations } from "./pressure.ts";
import { EVICTION_HARD_DEFAULT, parseThresholds } from "../thresholds.ts";

const signal = AbortSignal.timeout(30_000);
const MI = 2 ** 20;
const LOW = { available: 1, capacity: 1000 * MI };
const WELL = { available: 999 * MI, capacity: 1000 * MI };

/** A node with pods; their usage is of memory and of disk alike. */
class Node {
  seen: Observations = {};
  readonly evicted: string[] = [];
  readonly told: string[] = [];
  /** What the pods that were to be evicted may take for it. */
  readonly graces: (number | undefined)[] = [];
  readonly pods: Pod[] = [];
  /** By pod: one that is absent does not run, one of nothing cannot be measured. */
  readonly uses = new Map<string, number | undefined>();
  /** Bytes of volumes in memory, by pod. */
  readonly inMemory = new Map<string, number>();
  /** Pods that have more in their folders than anybody can count. */
  readonly endless = new Set<string>();
  /** Pods that are ending as fast as they can. */
  readonly stuck = new Set<string>();
  reclaimed = 0;
  nowMs = 0;
  /** What a clean-up of the disk leads to. */
  cleaned: Observations | undefined;
  readonly manager: EvictionManager;

  /** Goes by its own time, or by the machine's. */
  constructor({ transitionMs = 1_000, ownTime = true } = {}) {
    this.manager = new EvictionManager({
      rules: {
        thresholds: parseThresholds(EVICTION_HARD_DEFAULT),
        minimumReclaim: {},
        transitionMs,
        soft: {
          thresholds: parseThresholds({ "memory.available": "300Mi" }),
          graceMs: { "memory.available": 90_000 },
        },
        podGraceMsMax: 20_000,
      },
      ...(ownTime ? { nowMs: () => this.nowMs } : {}),
      observe: () => Promise.resolve(this.seen),
      pods: () => this.pods,
      isBestEffort: () => true,
      usage: ({ metadata }) => Promise.resolve(this.#usage(metadata!.uid!)),
      reclaimDisk: () => {
        this.reclaimed++;
        this.seen = this.cleaned ?? this.seen;
        return Promise.resolve();
      },
      evict: ({ metadata }, { message, low, graceMsMax }) => {
        this.graces.push(graceMsMax);
        if (this.stuck.has(metadata!.uid!)) return Promise.resolve(false);
        this.evicted.push(`${metadata!.uid} ${low ? "low" : "limit"}: ${message}`);
        return Promise.resolve(true);
      },
      tell: (reason, message) => this.told.push(`${reason}: ${message}`),
    });
  }

  pod(uid: string, bytes: number | undefined, spec: Partial<PodSpec> = {}): void {
    this.pods.push({ metadata: { uid }, spec: { containers: [{ name: "app" }], ...spec } });
    this.uses.set(uid, bytes);
  }

  #usage(uid: string): PodUsage {
    const bytes = this.uses.get(uid);
    const containers = new Map([["app", bytes ?? 0]]);
    const memory = new Map(this.uses.has(uid) ? [["app", bytes]] : []);
    const whole = !this.endless.has(uid);
    const memoryVolumes = { bytes: this.inMemory.get(uid) ?? 0, whole };
    return {
      disk: { containers, volumes: new Map(), inodes: 1, whole },
      memory,
      memoryVolumes,
      pids: bytes ?? 0,
    };
  }
}

Deno.test("EvictionManager leaves a node alone that has enough", async () => {
  const node = new Node();
  node.pod("a", 900 * MI);
  node.seen = { "memory.available": WELL, "nodefs.available": WELL };
  await node.manager.round(signal);
  assert.deepEqual([node.evicted, node.told, node.reclaimed], [[], [], 0]);
});

Deno.test("EvictionManager ends one pod a round, the greediest first, and no critical one", async () => {
  const node = new Node();
  node.pod("small", 10 * MI);
  node.pod("critical", 900 * MI, { priority: 2_000_001_000 });
  node.pod("big", 500 * MI);
  node.seen = { "memory.available": LOW };
  await node.manager.round(signal);
  assert.deepEqual(node.evicted, [
    "big low: The node was low on resource: memory. Threshold quantity: 100Mi, available: 0Ki. \
Container app was using 500Mi, request is 0, has larger consumption of memory. ",
  ]);
  await node.manager.round(signal);
  assert.deepEqual(node.told, ["EvictionThresholdMet: Attempting to reclaim memory"], "said once");
  assert.equal(node.reclaimed, 0, "no image is memory");
  assert.equal(node.manager.turnedAway({ spec: { containers: [] } })?.reason, "Evicted");
});

Deno.test("EvictionManager ends no pod if the disk can be cleared", async () => {
  const node = new Node();
  node.pod("a", MI);
  node.seen = { "nodefs.available": LOW };
  node.cleaned = { "nodefs.available": WELL };
  await node.manager.round(signal);
  assert.deepEqual([node.evicted, node.reclaimed], [[], 1]);
  assert.deepEqual([...node.manager.shortages], ["disk"], "it is told of for some time");
  node.seen = { "nodefs.available": LOW };
  node.cleaned = undefined;
  await node.manager.round(signal);
  assert.equal(node.evicted.length, 1);
  assert.match(node.evicted[0]!, /^a low: .*ephemeral-storage/);
});

Deno.test("EvictionManager ends every pod that is over its own limit, before all others", async () => {
  const node = new Node();
  const limits = { "ephemeral-storage": "1Mi" };
  const spec = { containers: [{ name: "app", resources: { limits } }] };
  node.pod("over", 2 * MI, spec);
  node.pod("within", MI, spec);
  node.pod("unlimited", 9 * MI);
  node.pod("over too", 3 * MI, spec);
  node.seen = { "memory.available": LOW };
  await node.manager.round(signal);
  const message = "Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. ";
  assert.deepEqual(node.evicted, [`over limit: ${message}`, `over too limit: ${message}`]);
});

Deno.test("EvictionManager ends the next pod if the first cannot be ended", async () => {
  const node = new Node();
  node.pod("stuck", 500 * MI);
  node.pod("next", 400 * MI);
  node.pod("last", 300 * MI);
  node.stuck.add("stuck");
  node.seen = { "memory.available": LOW };
  await node.manager.round(signal);
  assert.deepEqual(node.evicted.map((text) => text.split(" ")[0]), ["next"]);
});

Deno.test("EvictionManager goes on to what is short if no pod over its limit can be ended", async () => {
  const node = new Node();
  const limits = { "ephemeral-storage": "1Mi" };
  node.pod("over", 2 * MI, { containers: [{ name: "app", resources: { limits } }] });
  node.pod("other", MI);
  node.stuck.add("over");
  node.seen = { "memory.available": LOW };
  await node.manager.round(signal);
  assert.deepEqual(node.evicted.map((text) => text.split(":")[0]), ["other low"]);
});

Deno.test("EvictionManager takes a pod of which nothing runs for one that uses no memory", async () => {
  const node = new Node();
  node.pod("waits", 0);
  node.uses.delete("waits");
  node.pod("runs", MI);
  node.seen = { "memory.available": LOW };
  await node.manager.round(signal);
  node.pod("unknown", undefined);
  await node.manager.round(signal);
  assert.deepEqual(node.evicted.map((text) => text.split(" ")[0]), ["runs", "unknown"]);
});

for (const what of ["nodefs.available", "nodefs.inodesFree", "memory.available"] as const) {
  Deno.test(`EvictionManager ends who cannot be counted first when ${what} is low`, async () => {
    const node = new Node();
    node.pod("big", 500 * MI);
    node.pod("endless", MI);
    node.endless.add("endless");
    node.seen = { [what]: LOW };
    await node.manager.round(signal);
    assert.deepEqual(node.evicted.map((text) => text.split(" ")[0]), ["endless"]);
  });
}

Deno.test("EvictionManager counts volumes in memory as memory", async () => {
  const node = new Node();
  node.pod("big", 500 * MI);
  node.pod("hoards", MI);
  node.inMemory.set("hoards", 600 * MI);
  node.seen = { "memory.available": LOW };
  await node.manager.round(signal);
  assert.deepEqual(node.evicted.map((text) => text.split(" ")[0]), ["hoards"]);
});

Deno.test("EvictionManager goes on saying that the node is short though the clock is set forward", async () => {
  using clock = new WallClock();
  const node = new Node({ transitionMs: 60_000, ownTime: false });
  node.seen = { "memory.available": LOW };
  await node.manager.look();
  node.seen = { "memory.available": WELL };
  clock.jump(HOUR_MS);
  await node.manager.look();
  assert.deepEqual([...node.manager.shortages], ["memory"]);
});

Deno.test("EvictionManager stops saying so in time though the clock is set back", async () => {
  using clock = new WallClock();
  const node = new Node({ transitionMs: 0, ownTime: false });
  node.seen = { "memory.available": LOW };
  await node.manager.look();
  node.seen = { "memory.available": WELL };
  clock.jump(-HOUR_MS);
  await node.manager.look();
  assert.deepEqual([...node.manager.shortages], []);
});

Deno.test("EvictionManager ends pods gently for a soft threshold, once its time is over", async () => {
  const node = new Node();
  node.pod("a", 500 * MI);
  node.seen = { "memory.available": { available: 200 * MI, capacity: 1000 * MI } };
  await node.manager.round(signal);
  assert.deepEqual([node.evicted, [...node.manager.shortages]], [[], ["memory"]]);
  node.nowMs = 90_000;
  await node.manager.round(signal);
  assert.match(node.evicted.join(), /^a low: .* memory. Threshold quantity: 300Mi, /);
  node.seen = { "memory.available": LOW };
  await node.manager.round(signal);
  assert.deepEqual(node.graces, [20_000, undefined], "a hard one cannot wait");
});

Deno.test("EvictionManager ends the pod of most processes when there are few left, and no image", async () => {
  const node = new Node();
  node.pod("one", 1);
  node.pod("swarm", 40);
  node.pod("important swarm", 90, { priority: 5 });
  node.seen = { "pid.available": { available: 3, capacity: 100 } };
  await node.manager.round(signal);
  assert.deepEqual(node.evicted, [
    "swarm low: The node was low on resource: pids. Threshold quantity: 5, available: 3. ",
  ]);
  assert.deepEqual([node.reclaimed, node.told], [
    0,
    ["EvictionThresholdMet: Attempting to reclaim pids"],
  ]);
  assert.deepEqual(node.manager.turnedAway({ spec: { containers: [] } }), {
    reason: "Evicted",
    message: "The node had condition: [PIDPressure]. ",
  });
});
