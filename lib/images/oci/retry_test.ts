import assert from "node:assert/strict";
import { PullFailure } from "./failure.ts";
import { ATTEMPTS_MAX, RETRY_AFTER_MS_MAX } from "./limits.ts";
import { retryWaitMs, withRetries } from "./retry.ts";

const passing = new PullFailure("503", { retry: true });

Deno.test("retryWaitMs() doubles, spreads, and ends", () => {
  const at = (tried: number, chance: number): number | undefined =>
    retryWaitMs(passing, { tried, retryMs: 100, chance });
  assert.deepEqual([at(1, 0), at(1, 0.5), at(2, 0.5), at(3, 0.5)], [50, 100, 200, 400]);
  assert.equal(at(ATTEMPTS_MAX, 0), undefined);
});

Deno.test("retryWaitMs() honours Retry-After up to its limit", () => {
  const after = (ms: number): number | undefined =>
    retryWaitMs(new PullFailure("429", { retry: true, retryAfterMs: ms }), {
      tried: 1,
      retryMs: 100,
      chance: 0,
    });
  assert.equal(after(3000), 3000);
  assert.equal(after(0), 50);
  assert.equal(after(RETRY_AFTER_MS_MAX + 1), undefined);
});

Deno.test("retryWaitMs() does not retry what will not pass", () => {
  const options = { tried: 1, retryMs: 100, chance: 0 };
  assert.equal(retryWaitMs(new PullFailure("404"), options), undefined);
  assert.equal(retryWaitMs(new TypeError("a defect"), options), undefined);
});

Deno.test("withRetries() tries until it works, and no more than its limit", async () => {
  const { signal } = new AbortController();
  let tries = 0;
  const value = await withRetries(() => {
    if (++tries < 3) throw passing;
    return Promise.resolve("worked");
  }, { signal, retryMs: 1 });
  assert.deepEqual([value, tries], ["worked", 3]);
  tries = 0;
  const failing = withRetries(() => {
    tries++;
    return Promise.reject(passing);
  }, { signal, retryMs: 1 });
  await assert.rejects(failing, passing);
  assert.equal(tries, ATTEMPTS_MAX);
});

Deno.test("withRetries() begins no try behind its time limit", async () => {
  const { signal } = new AbortController();
  let tries = 0;
  const failing = withRetries(() => {
    tries++;
    return Promise.reject(passing);
  }, { signal, retryMs: 1_000, withinMs: 400 });
  await assert.rejects(failing, passing);
  assert.equal(tries, 1);
});

Deno.test("withRetries() stops waiting when aborted, with the reason", async () => {
  const stop = new AbortController();
  const reason = new Error("pod is gone");
  const waiting = withRetries(() => {
    setTimeout(() => stop.abort(reason), 0);
    return Promise.reject(passing);
  }, { signal: stop.signal, retryMs: 3_600_000 });
  await assert.rejects(waiting, reason);
});
