import assert from "node:assert/strict";
import { aborted, kubeTime, sleep } from "./time.ts";

Deno.test("sleep() resolves true after the whole time", async () => {
  const sinceMs = performance.now();
  assert.equal(await sleep(15), true);
  assert.ok(performance.now() - sinceMs >= 14);
  assert.equal(await sleep(-1), true);
});

Deno.test("sleep() resolves false when the signal ends it, and leaves no timer", async () => {
  const controller = new AbortController();
  const sleeping = sleep(60_000, controller.signal);
  controller.abort();
  assert.equal(await sleeping, false);
  assert.equal(await sleep(60_000, controller.signal), false);
});

Deno.test("sleep() does not fire at once for a time that no timer can hold", async () => {
  const controller = new AbortController();
  const sleeping = sleep(2 ** 40, controller.signal);
  await sleep(5); // a timer that overflows is due before this one
  controller.abort();
  assert.equal(await sleeping, false);
});

Deno.test("aborted() resolves when the signal aborts, at once if it has", async () => {
  const controller = new AbortController();
  let over = false;
  const waiting = aborted(controller.signal).then(() => over = true);
  await Promise.resolve();
  assert.equal(over, false);
  controller.abort();
  await waiting;
  await aborted(controller.signal);
});

Deno.test("kubeTime() writes RFC 3339 in UTC with whole seconds", () => {
  assert.equal(kubeTime(0), "1970-01-01T00:00:00Z");
  assert.equal(kubeTime(Date.UTC(2026, 10, 21, 12, 0, 59, 999)), "2026-11-21T12:00:59Z");
});
