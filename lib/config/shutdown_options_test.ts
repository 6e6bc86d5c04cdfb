import assert from "node:assert/strict";
import { shutdownSettings } from "./shutdown_options.ts";

Deno.test("shutdownSettings() takes the end of the agent for the node's if a period was given", () => {
  const of = (graceMs?: number, criticalMs?: number): unknown[] =>
    Object.values(shutdownSettings({
      shutdownGracePeriodMs: graceMs,
      shutdownGracePeriodCriticalPodsMs: criticalMs,
    }));
  assert.deepEqual(of(), [30_000, undefined, false]);
  assert.deepEqual(of(5_000), [5_000, undefined, true]);
  assert.deepEqual(of(0), [0, undefined, false]);
  assert.deepEqual(of(undefined, 10_000), [30_000, 10_000, true]);
  assert.throws(() => of(5_000, 6_000), /critical-pods "6s": it is a part of .* which is "5s"/);
});
