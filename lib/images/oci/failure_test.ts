import assert from "node:assert/strict";
import { clean, retryAfterMs } from "./failure.ts";

Deno.test("retryAfterMs() reads seconds and dates", () => {
  const nowMs = Date.parse("2026-01-01T00:00:00Z");
  assert.equal(retryAfterMs("7", nowMs), 7000);
  assert.equal(retryAfterMs("Thu, 01 Jan 2026 00:00:09 GMT", nowMs), 9000);
  assert.equal(retryAfterMs("Thu, 01 Jan 2025 00:00:09 GMT", nowMs), 0);
  for (const useless of [null, "", "soon", "-1x"]) {
    assert.equal(retryAfterMs(useless, nowMs), undefined);
  }
});

Deno.test("clean() makes a peer's words one printable line of bounded length", () => {
  assert.equal(clean("a\r\n\u001b[31mb\u0000c\u202e"), "a [31mb c");
  assert.equal(clean("x".repeat(1000)).length, 257);
});
