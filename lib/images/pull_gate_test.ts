import assert from "node:assert/strict";
import { type Allowance, PullGate, takePull } from "./pull_gate.ts";

const { signal } = new AbortController();

Deno.test("takePull() lets a burst begin at once, and then so many in a second", () => {
  let allowance: Allowance | undefined;
  const waits = [0, 0, 0, 0, 1_000, 10_000].map((nowMs) => {
    const taken = takePull(allowance, { perSecond: 2, burst: 2, nowMs });
    allowance = taken.allowance;
    return taken.waitMs;
  });
  assert.deepEqual(waits, [0, 0, 500, 1_000, 500, 0]);
  assert.equal(allowance?.pulls, 1);
});

Deno.test("takePull() makes nobody wait without a limit", () => {
  const before = { pulls: -5, atMs: 0 };
  assert.equal(takePull(before, { perSecond: 0, burst: 1, nowMs: 0 }).waitMs, 0);
});

Deno.test("PullGate.pass() does work in its order, no more at once than it may", async () => {
  const gate = new PullGate({ parallelMax: 1 });
  const done: string[] = [];
  const first = Promise.withResolvers<void>();
  const passing = [
    gate.pass(signal, async () => {
      await first.promise;
      done.push("first");
    }),
    gate.pass(signal, () => Promise.resolve(done.push("second"))),
  ];
  first.resolve();
  await Promise.all(passing);
  assert.deepEqual(done, ["first", "second"]);
});

Deno.test("PullGate.pass() goes on behind one that fails, and one that is given up", async () => {
  const gate = new PullGate({ parallelMax: 1 });
  const first = Promise.withResolvers<void>();
  const failing = gate.pass(signal, () => first.promise);
  const stop = new AbortController();
  const leaving = gate.pass(stop.signal, () => assert.fail("it was given up"));
  const last = gate.pass(signal, () => Promise.resolve("last"));
  stop.abort(new Error("given up"));
  await assert.rejects(leaving, { message: "given up" });
  first.reject(new Error("failed"));
  await assert.rejects(failing, { message: "failed" });
  assert.equal(await last, "last");
});

Deno.test("PullGate.pass() gives back the turn of one that is stopped while it waits for it", async () => {
  const gate = new PullGate({ perSecond: 0.001, burst: 1 });
  await gate.pass(signal, () => Promise.resolve());
  const stop = new AbortController();
  const waiting = gate.pass(stop.signal, () => assert.fail("its time has not come"));
  stop.abort(new Error("given up"));
  await assert.rejects(waiting, { message: "given up" });
});
