import assert from "node:assert/strict";
import { readClaimedDisks } from "./claimed_disks.ts";
import { parseProcStat, readDisk, readNode } from "./node_reading.ts";

Deno.test("readNode() sees the CPU time of the machine grow", async () => {
  const first = await readNode();
  assert.ok(first.memory.totalBytes > first.memory.availableBytes);
  assert.ok(first.cpuNanos !== undefined && first.cpuNanos > 0);
  let now = first.cpuNanos;
  while (now - first.cpuNanos < 30_000_000) {
    for (let n = 0, x = 1; n < 1e6; n++) x = (x * 48271) % 2147483647;
    now = (await readNode()).cpuNanos!;
  }
});

Deno.test("parseProcStat() counts what is not idle, and guests once", () => {
  const text = "cpu  10 20 30 1000 2000 5 6 7 100 200\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
  assert.equal(parseProcStat(text), 71 * 10_000_000);
  assert.equal(parseProcStat(""), undefined);
});

Deno.test("readDisk() tells of a filesystem, and nothing of what is not there", async () => {
  const disk = (await readDisk("."))!;
  assert.ok(disk.capacityBytes >= disk.usedBytes && disk.capacityBytes >= disk.availableBytes);
  assert.equal(await readDisk("./no such folder"), undefined);
});

Deno.test("readClaimedDisks() looks at volumes from claims that are mounted", async () => {
  const volumes = [
    { name: "data", persistentVolumeClaim: { claimName: "claim" } },
    { name: "own", ephemeral: {} },
    { name: "tmp", emptyDir: {} },
    { name: "late", persistentVolumeClaim: { claimName: "other" } },
  ];
  const pod = { metadata: { uid: "u", name: "web" }, spec: { containers: [], volumes } };
  const mounted = new Map(["data", "own", "tmp"].map((name) => [name, { hostPath: "." }]));
  const found = await readClaimedDisks([pod], (uid) => uid === "u" ? mounted : new Map());
  assert.deepEqual(
    found.get("u")?.map(({ volume, claim }) => [volume, claim]),
    [["data", "claim"], ["own", "web-own"]],
  );
});
