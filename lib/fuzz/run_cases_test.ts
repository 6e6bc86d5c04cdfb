import assert from "node:assert/strict";
import { runCases } from "./run_cases.ts";
import { SEED } from "./settings.ts";

Deno.test("runCases() names the seed of the case that failed, and it alone shows it again", async () => {
  const failing = runCases("failing", 1_000, (random) => {
    assert.ok(!random.once(50), "found");
    return "passed";
  });
  const error: unknown = await failing.catch((error) => error);
  assert.ok(error instanceof Error);
  const seed = Number(/^FUZZ_SEED=(\d+) FUZZ_CASES=1: .*found/s.exec(error.message)?.[1]);
  assert.ok(seed >= SEED && seed < SEED + 1_000, error.message);
});

Deno.test("runCases() counts what the cases say", async () => {
  let at = 0;
  const tally = await runCases("counting", 10, () => (at++ % 5 === 0 ? "five" : "other"));
  assert.deepEqual(tally, { five: 2, other: 8 });
});

Deno.test("runCases() fails when what the cases leave behind grows without end", async () => {
  const kept: unknown[] = [];
  const leaking = runCases("leaking", 6_000, () => {
    kept.push(new Array(200).fill(kept.length));
    return "passed";
  });
  await assert.rejects(leaking, /the heap grew/);
  assert.equal(kept.length, 6_000);
});
