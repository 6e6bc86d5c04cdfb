import assert from "node:assert/strict";
import { ThreadLedger } from "./thread_ledger.ts";

Deno.test("spawn() queues threads in order, and take() hands them out", () => {
  const ledger = new ThreadLedger({ threadsMax: 4 });
  const worker = new ThreadLedger(ledger.buffer);
  const tids = [7, -8, 9].map((argument) => ledger.spawn(argument));
  assert.equal(new Set(tids).size, 3);
  assert.equal(ledger.live, 4);
  assert.equal(ledger.unattended, 3);
  assert.deepEqual([worker.take(), worker.take(), worker.take()], [
    { tid: tids[0], argument: 7 },
    { tid: tids[1], argument: -8 },
    { tid: tids[2], argument: 9 },
  ]);
  assert.equal(ledger.unattended, 0);
});

Deno.test("spawn() refuses with again while all threads live", () => {
  const ledger = new ThreadLedger({ threadsMax: 2 });
  const tid = ledger.spawn(0);
  assert.ok(tid > 0);
  assert.equal(ledger.spawn(0), -6);
  assert.deepEqual(ledger.take(), { tid, argument: 0 });
  assert.equal(ledger.spawn(0), -6);
  ledger.finish(tid);
  assert.ok(ledger.spawn(0) > 0);
});

Deno.test("spawn() gives numbers from 1 up, below 2^29, and none twice in a row", () => {
  const ledger = new ThreadLedger({ threadsMax: 3 });
  let last = 0;
  for (let round = 0; round < 1_000; round++) {
    const tids = [ledger.spawn(0), ledger.spawn(0)];
    for (const tid of tids) {
      assert.ok(tid >= 1 && tid < 2 ** 29 && tid !== last);
      last = tid;
      assert.equal(ledger.take()?.tid, tid);
    }
    assert.notEqual(tids[0], tids[1]);
    for (const tid of tids) ledger.finish(tid);
  }
  assert.equal(ledger.live, 1);
});

Deno.test("end() is true for the first alone, and nobody starts afterwards", () => {
  const ledger = new ThreadLedger({ threadsMax: 3 });
  ledger.spawn(1);
  assert.equal(ledger.ended, false);
  assert.equal(ledger.end(), true);
  assert.equal(new ThreadLedger(ledger.buffer).end(), false);
  assert.equal(ledger.ended, true);
  assert.equal(ledger.take(), undefined);
  assert.ok(ledger.spawn(1) < 0);
});

Deno.test("untilRung() settles when the bell is rung, and at once if it has been", async () => {
  const ledger = new ThreadLedger({ threadsMax: 1 });
  const rung = ledger.rung;
  const waiting = ledger.untilRung(rung);
  ledger.ring();
  assert.equal(await waiting, false);
  assert.equal(await ledger.untilRung(rung), true);
});
