import assert from "node:assert/strict";
import { countOf } from "./run_tests.ts";

Deno.test("countOf() counts by the closing line, and a run without one has failed", () => {
  assert.deepEqual(countOf("ok | 12 passed | 0 failed (3s)", 0), { passed: 12, failed: 0 });
  assert.deepEqual(countOf("ok | 12 passed (3 steps) | 0 failed (3s)", 0), {
    passed: 12,
    failed: 0,
  });
  assert.deepEqual(countOf("FAILED | 3 passed | 2 failed (3s)", 1), { passed: 3, failed: 2 });
  assert.deepEqual(countOf("error: Type checking failed", 1), { passed: 0, failed: 1 });
  assert.deepEqual(countOf("", 0), { passed: 0, failed: 1 });
  // The tests passed, but something beside them did not.
  assert.deepEqual(countOf("ok | 3 passed | 0 failed (3s)", 1), { passed: 3, failed: 1 });
});
