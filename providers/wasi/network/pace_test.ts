import assert from "node:assert/strict";
import { Pace } from "./pace.ts";

Deno.test("Pace lets a burst go at once, and the rest at its rate", () => {
  const pace = new Pace({ perSecond: 100, burst: 3, nowMs: 0 });
  assert.deepEqual([0, 0, 0].map((ms) => pace.take(ms)), [0, 0, 0]);
  assert.equal(pace.take(0), 10);
  assert.equal(pace.take(10), 10, "who was told to wait, and waited, waits for the next as well");
  assert.equal(pace.take(40), 0);
});

Deno.test("Pace saves up no more than a burst, and bears a clock that stands", () => {
  const pace = new Pace({ perSecond: 100, burst: 2, nowMs: 0 });
  assert.deepEqual([60_000, 60_000, 60_000].map((ms) => pace.take(ms)), [0, 0, 10]);
  assert.equal(pace.take(59_000), 20);
});
