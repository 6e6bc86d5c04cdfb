import assert from "node:assert/strict";
import type { Pod } from "../api/types.ts";
import type { PodUsage } from "../eviction/manager.ts";
import { DISK_AGE_MS_MAX, PodDisks } from "./pod_disks.ts";

const PODS: readonly Pod[] = ["a", "b"].map((uid) => ({ metadata: { uid, name: uid } }));

function usage(bytes: number): PodUsage {
  return {
    disk: { containers: new Map([["c", bytes]]), volumes: new Map(), inodes: 1, whole: true },
    memory: new Map(),
    pids: 1,
    memoryVolumes: { bytes: 0, whole: true },
  };
}

class World {
  nowMs = 0;
  bytes = 1;
  measured: string[] = [];
  /** Set, to hold up measuring. */
  held: Promise<void> | undefined;
  readonly end = new AbortController();
  readonly disks = new PodDisks({
    measure: async ({ metadata }, signal) => {
      await this.held;
      signal.throwIfAborted();
      this.measured.push(metadata?.uid ?? "");
      return usage(this.bytes);
    },
    signal: this.end.signal,
    nowMs: () => this.nowMs,
  });

  async bytesOf(pods: readonly Pod[]): Promise<Record<string, number | undefined>> {
    const found = await this.disks.of(pods);
    return Object.fromEntries(
      [...found].map(([uid, { disk }]) => [uid, disk.containers.get("c")]),
    );
  }
}

Deno.test("PodDisks.of() measures each pod once in a while, in the background", async () => {
  const world = new World();
  assert.deepEqual(await world.bytesOf(PODS), { a: 1, b: 1 });
  world.nowMs = DISK_AGE_MS_MAX;
  world.bytes = 2;
  assert.deepEqual(await world.bytesOf(PODS), { a: 1, b: 1 });
  assert.deepEqual(world.measured, ["a", "b"], "it is not too old yet");
  world.nowMs++;
  assert.deepEqual(await world.bytesOf(PODS), { a: 1, b: 1 }, "nobody waits for what is known");
  for (let n = 0; n < 100 && (await world.bytesOf(PODS))["b"] !== 2; n++);
  assert.deepEqual(await world.bytesOf(PODS), { a: 2, b: 2 });
  assert.deepEqual(world.measured, ["a", "b", "a", "b"]);
});

Deno.test("PodDisks.of() forgets pods that are gone, and profits from who measures", async () => {
  const world = new World();
  await world.disks.measure(PODS[0]!, world.end.signal);
  await world.disks.measure(PODS[1]!, world.end.signal);
  assert.deepEqual(await world.bytesOf(PODS.slice(1)), { b: 1 });
  assert.deepEqual(world.measured, ["a", "b"]);
});

Deno.test("PodDisks.of() does not wait when everything ends", async () => {
  const world = new World();
  const held = Promise.withResolvers<void>();
  world.held = held.promise;
  const asked = world.disks.of(PODS);
  world.end.abort();
  assert.equal((await asked).size, 0);
  held.resolve();
});
