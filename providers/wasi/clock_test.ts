import assert from "node:assert/strict";
import { logClock } from "./clock.ts";

Deno.test("logClock() shows nine digits, of which microseconds are real", () => {
  let steadyMs = 10;
  const now = logClock({
    wallMs: () => 1_000_000 + Math.floor(steadyMs - 10),
    steadyMs: () => steadyMs,
  });
  assert.equal(now(), "1970-01-01T00:16:40.000000000Z");
  steadyMs += 1.25;
  assert.equal(now(), "1970-01-01T00:16:40.001250000Z");
});

Deno.test("logClock() follows the system's clock when that is set anew", () => {
  let wallMs = 1_000_000;
  const now = logClock({ wallMs: () => wallMs, steadyMs: () => 0 });
  now();
  wallMs += 3_600_000;
  assert.equal(now(), "1970-01-01T01:16:40.000000000Z");
});

Deno.test("logClock() never goes back while the system's clock is left alone", () => {
  const now = logClock();
  let last = now();
  for (let i = 0; i < 10_000; i++) {
    const next = now();
    assert.ok(next >= last, `${next} after ${last}`);
    last = next;
  }
});

Deno.test("logClock() does not go back when its thread is put aside between the two clocks", () => {
  let nowMs = 1_000_000;
  let pauseMs = 0;
  const now = logClock({
    wallMs(): number {
      const wallMs = Math.floor(nowMs);
      nowMs += pauseMs;
      return wallMs;
    },
    steadyMs(): number {
      const steadyMs = nowMs - 999_000;
      nowMs += pauseMs;
      pauseMs = 0;
      return steadyMs;
    },
  });
  let last = now();
  for (pauseMs of [0, 5, 50, 0, 500, 0]) {
    nowMs += 0.25;
    const next = now();
    assert.ok(next >= last, `${next} after ${last}`);
    last = next;
  }
});
