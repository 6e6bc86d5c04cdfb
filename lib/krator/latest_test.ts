import assert from "node:assert/strict";
import { Latest } from "./latest.ts";

Deno.test("Latest.changed() resolves at the next set(), for everyone who waits", async () => {
  const latest = new Latest(1);
  const { signal } = new AbortController();
  const both = Promise.all([latest.changed(signal), latest.changed(signal)]);
  latest.set(2);
  await both;
  assert.equal(latest.value, 2);
});

Deno.test("Latest.changed() resolves when its signal aborts", async () => {
  const abort = new AbortController();
  const waiting = new Latest(1).changed(abort.signal);
  abort.abort();
  await waiting;
});
