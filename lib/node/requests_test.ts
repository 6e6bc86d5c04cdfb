import assert from "node:assert/strict";
import { retryDelayMs, untilDone } from "./requests.ts";

Deno.test("retryDelayMs() doubles up to seven seconds, and spreads", () => {
  assert.equal(retryDelayMs(1, 1), 200);
  assert.equal(retryDelayMs(2, 1), 400);
  assert.equal(retryDelayMs(1, 0), 150);
  assert.equal(retryDelayMs(1_000_000, 1), 7_000);
});

Deno.test("untilDone() does not begin when it is told to stop", async () => {
  const run = (): Promise<never> => assert.fail("it began");
  assert.equal(await untilDone("begin", { signal: AbortSignal.abort(), run }), undefined);
});
