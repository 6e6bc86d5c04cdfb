import assert from "node:assert/strict";
import { BACKOFF_MS_MAX, backoffText, nextBackoffMs } from "./backoff.ts";

Deno.test("nextBackoffMs() begins at ten seconds, doubles, and stays at five minutes", () => {
  const pauses: number[] = [];
  for (let i = 0; i < 8; i++) pauses.push(nextBackoffMs(pauses.at(-1)));
  assert.deepEqual(pauses.map((ms) => ms / 1000), [10, 20, 40, 80, 160, 300, 300, 300]);
  assert.equal(pauses.at(-1), BACKOFF_MS_MAX);
});

for (
  const [ms, text] of [
    [0, "0s"],
    [10_000, "10s"],
    [59_400, "59s"],
    [59_600, "1m0s"],
    [60_000, "1m0s"],
    [160_000, "2m40s"],
    [300_000, "5m0s"],
  ] as const
) {
  Deno.test(`backoffText() writes ${ms} ms as ${text}`, () => {
    assert.equal(backoffText(ms), text);
  });
}
