import assert from "node:assert/strict";
import { geometricMean, median, tableOf } from "./rows.ts";

Deno.test("median() takes the middle, or the mean of both middles", () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([4, 1, 2, 9]), 3);
  assert.equal(median([7]), 7);
  assert.equal(median([]), NaN);
});

Deno.test("geometricMean() makes twice and half cancel out", () => {
  assert.ok(Math.abs(geometricMean([2, 0.5, 1]) - 1) < 1e-12);
});

Deno.test("tableOf() tells ratios, the mean of each group, and what was promised", () => {
  const text = tableOf([
    { group: "calls", name: "read", unit: "ns", ours: 50, peer: 100, atMost: 1 },
    { group: "calls", name: "write", unit: "ns", ours: 200, peer: 100, atMost: 1 },
    { group: "memory", name: "idle", unit: "MiB", ours: 8.5, atMost: 9 },
    { group: "memory", name: "each", unit: "MiB", ours: 12, peer: 6, oursAtMost: 9 },
  ]);
  const lines = text.trim().split("\n").map((line) => line.replaceAll(/ +/g, " "));
  assert.deepEqual(lines, [
    "calls",
    "read 50.0 ns 100 ns x 0.50 ok",
    "write 200 ns 100 ns x 2.00 over 1",
    "geometric mean x 1.00",
    "",
    "memory",
    "idle 8.50 MiB ok",
    "each 12.0 MiB 6.00 MiB x 2.00 over 9",
  ]);
});
