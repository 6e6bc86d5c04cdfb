import assert from "node:assert/strict";
import fc from "fast-check";
import { formatDuration, parseDuration } from "./durations.ts";

Deno.test("parseDuration() reads Go's durations as milliseconds", () => {
  const cases: [string, number][] = [
    ["0", 0],
    ["0s", 0],
    ["10s", 10_000],
    ["1h30m", 5_400_000],
    ["1.5s", 1_500],
    ["250ms", 250],
    ["1m0s", 60_000],
  ];
  for (const [text, ms] of cases) assert.equal(parseDuration(text), ms, text);
});

Deno.test("parseDuration() refuses what is ambiguous or no duration", () => {
  assert.throws(() => parseDuration("10"), { name: "RangeError", message: /unit is missing/ });
  for (const text of ["", "s", "10 s", "-1s", "10d", "1e3s", "ten"]) {
    assert.throws(() => parseDuration(text), RangeError, text);
  }
});

Deno.test("formatDuration() prints what parseDuration() reads back", () => {
  assert.equal(formatDuration(90_000), "1m30s");
  fc.assert(fc.property(fc.nat(), (ms) => parseDuration(formatDuration(ms)) === ms));
});
