import assert from "node:assert/strict";
import { backoffMs } from "./backoff.ts";

Deno.test("backoffMs() doubles up to the bound, within half and all of it", () => {
  const most = [1, 2, 3, 4, 5, 6, 7, 100, 2_000].map((n) => backoffMs(n, { chance: 1 }));
  assert.deepEqual(most, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 30_000]);
  const least = [1, 2, 3, 100].map((n) => backoffMs(n, { chance: 0 }));
  assert.deepEqual(least, [0, 1_000, 2_000, 15_000]);
});
