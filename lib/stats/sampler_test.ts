import assert from "node:assert/strict";
import type { Pod } from "../api/types.ts";
import type { RunUsage } from "../provider.ts";
import { CpuRate, RATE_WINDOW_MS } from "./rate.ts";
import { FRESH_MS, UsageSampler } from "./sampler.ts";

const SECOND = 1_000_000_000;

function pod(uid: string, runs: Record<string, string | undefined>): Pod {
  return {
    metadata: { namespace: "ns", name: uid, uid },
    status: {
      containerStatuses: Object.entries(runs).map(([name, id]) => ({
        name,
        image: "i",
        imageID: "",
        ...(id === undefined ? {} : { containerID: `krustlet-wasi://${id}` }),
        ready: true,
        restartCount: 0,
        state: id === undefined ? {} : { running: { startedAt: "2026-01-01T00:00:00Z" } },
        lastState: {},
      })),
    },
  };
}

class World {
  nowMs = 1_000_000;
  pods: Pod[] = [];
  usages = new Map<string, RunUsage>();
  nodeNanos = 0;
  looks = 0;
  readonly sampler = new UsageSampler({
    pods: () => this.pods,
    provider: {
      usage: (id) => {
        return id === "broken"
          ? Promise.reject(new Error("broken"))
          : Promise.resolve(this.usages.get(id));
      },
    },
    readNode: () => {
      this.looks++;
      const memory = { totalBytes: 100, availableBytes: 40 };
      return Promise.resolve({ cpuNanos: this.nodeNanos, memory });
    },
    nowMs: () => this.nowMs,
  });
}

Deno.test("UsageSampler.fresh() tells what runs use, as time goes by", async () => {
  const world = new World();
  world.pods = [pod("p", { one: "a", two: "b", waits: undefined }), pod("q", { c: "unknown" })];
  world.usages.set("a", { cpuNanos: SECOND, memoryBytes: 10, residentBytes: 20, processes: 1 });
  world.usages.set("b", { cpuNanos: 2 * SECOND, memoryBytes: 5, residentBytes: 7, processes: 2 });
  const first = await world.sampler.fresh();
  const { containers, total } = first.pods[0]!;
  assert.deepEqual(containers.map(({ status, cpuNanos }) => [status.name, cpuNanos]), [
    ["one", SECOND],
    ["two", 2 * SECOND],
  ]);
  assert.equal(containers[0]!.startedMs, Date.parse("2026-01-01T00:00:00Z"));
  assert.deepEqual(total, {
    atMs: world.nowMs,
    cpuNanos: 3 * SECOND,
    memoryBytes: 15,
    residentBytes: 27,
    processes: 3,
  });
  assert.equal(first.pods[1]!.containers[0]!.cpuNanos, undefined);
  assert.equal(first.pods[1]!.total, undefined, "nobody knows, so nobody says 0");
  assert.equal(first.node.memoryBytes, 60);

  world.nowMs += RATE_WINDOW_MS;
  world.usages.set("a", { cpuNanos: 6 * SECOND });
  world.nodeNanos = 20 * SECOND;
  const second = await world.sampler.fresh();
  assert.equal(second.pods[0]!.containers[0]!.nanoCores, SECOND / 2);
  assert.equal(second.pods[0]!.total!.nanoCores, SECOND / 2);
  assert.equal(second.node.nanoCores, 2 * SECOND);
});

Deno.test("UsageSampler.fresh() counts the CPU time of runs that are over for their pod", async () => {
  const world = new World();
  world.pods = [pod("p", { one: "a" })];
  world.usages.set("a", { cpuNanos: 9 * SECOND });
  await world.sampler.fresh();
  world.nowMs += 2 * FRESH_MS;
  world.pods = [pod("p", { one: "next" })];
  world.usages.set("next", { cpuNanos: SECOND });
  const [after] = (await world.sampler.fresh()).pods;
  assert.equal(after!.containers[0]!.cpuNanos, SECOND);
  assert.equal(after!.total!.cpuNanos, 10 * SECOND);
});

Deno.test("UsageSampler.fresh() looks once for all who ask together or soon after", async () => {
  const world = new World();
  await Promise.all([world.sampler.fresh(), world.sampler.fresh()]);
  world.nowMs += FRESH_MS;
  await world.sampler.fresh();
  assert.equal(world.looks, 1);
  world.nowMs += 1;
  await world.sampler.fresh();
  assert.equal(world.looks, 2);
  world.nowMs -= 3_600_000;
  await world.sampler.fresh();
  assert.equal(world.looks, 3, "a clock that was set back does not stop it");
});

Deno.test("UsageSampler.fresh() goes on where one run cannot be measured", async () => {
  const world = new World();
  world.pods = [pod("p", { bad: "broken", good: "a" })];
  world.usages.set("a", { cpuNanos: 1, memoryBytes: 2 });
  const [sample] = (await world.sampler.fresh()).pods;
  assert.deepEqual(sample!.containers.map(({ memoryBytes }) => memoryBytes), [undefined, 2]);
  assert.equal(sample!.total!.memoryBytes, 2);
});

Deno.test("CpuRate.observe() tells a rate over a window, however often it is asked", () => {
  const rate = new CpuRate();
  assert.equal(rate.observe(0, 0), undefined);
  assert.equal(rate.observe(1_000, SECOND), undefined, "too young");
  assert.equal(rate.observe(5_000, 5 * SECOND), SECOND);
  for (let ms = 6_000; ms <= 30_000; ms += 1_000) rate.observe(ms, 5 * SECOND);
  assert.equal(rate.observe(31_000, 5 * SECOND), 0, "what was long ago does not count");
  assert.equal(rate.observe(32_000, SECOND), undefined, "it began anew");
  assert.equal(rate.observe(42_000, 11 * SECOND), SECOND);
  assert.equal(rate.observe(1_000, 12 * SECOND), undefined, "the clock was set back");
});
