import assert from "node:assert/strict";
import fc from "fast-check";
import {
  answerTimeMs,
  LOOK_MS_MAX,
  planRenewal,
  type RenewalState,
  renewalTimeMs,
  retryDelayMs,
} from "./renewal_plan.ts";

const HOUR_MS = 3_600_000;
const STATE: RenewalState = {
  renewAtMs: 8 * HOUR_MS,
  asks: true,
  retryAtMs: 0,
};

Deno.test("planRenewal() waits, a minute at most, until it is time to ask", () => {
  assert.deepEqual(planRenewal(STATE, 0), { do: "wait", ms: LOOK_MS_MAX });
  assert.deepEqual(planRenewal(STATE, STATE.renewAtMs - 5), { do: "wait", ms: 5 });
  assert.deepEqual(planRenewal(STATE, STATE.renewAtMs), { do: "ask" });
  assert.deepEqual(planRenewal(STATE, 10 * STATE.renewAtMs), { do: "ask" });
});

Deno.test("planRenewal() asks no sooner after a failure than was planned", () => {
  const nowMs = STATE.renewAtMs + 10;
  const failed = { ...STATE, retryAtMs: nowMs + 2_000 };
  assert.deepEqual(planRenewal(failed, nowMs), { do: "wait", ms: 2_000 });
  assert.deepEqual(planRenewal(failed, nowMs + 2_000), { do: "ask" });
});

Deno.test("planRenewal() only reminds of what somebody else renews", () => {
  const theirs = { ...STATE, asks: false };
  assert.deepEqual(planRenewal(theirs, 0), { do: "wait", ms: LOOK_MS_MAX });
  assert.deepEqual(planRenewal(theirs, STATE.renewAtMs), { do: "remind", ms: LOOK_MS_MAX });
});

Deno.test("renewalTimeMs() counts from when the certificate was obtained, not from its antedated begin", () => {
  const obtainedMs = 5 * 60_000;
  const life = { notBeforeMs: 0, notAfterMs: obtainedMs + 20_000 };
  assert.equal(renewalTimeMs(life, { obtainedMs, chance: 0 }), obtainedMs + 14_000);
  assert.equal(renewalTimeMs(life, { obtainedMs, chance: 0.5 }), obtainedMs + 16_000);
});

Deno.test("renewalTimeMs() lies in the life, and behind 70 % of what is left, whatever is obtained when", () => {
  const time = fc.integer({ min: 0, max: 1_000_000 });
  fc.assert(fc.property(time, time, time, (notBeforeMs, lastsMs, obtainedMs) => {
    const notAfterMs = notBeforeMs + lastsMs;
    const atMs = renewalTimeMs({ notBeforeMs, notAfterMs }, { obtainedMs, chance: 0 });
    const beginMs = Math.max(notBeforeMs, obtainedMs);
    assert.ok(atMs <= notAfterMs);
    if (beginMs < notAfterMs) assert.ok(atMs >= beginMs + 0.69 * (notAfterMs - beginMs));
  }));
});

Deno.test("retryDelayMs() doubles from 2 s to 5 min, spread by a half", () => {
  const delays = [1, 2, 3, 7, 8, 9, 50].map((failures) =>
    retryDelayMs(failures, { leftMs: 240 * HOUR_MS, chance: 0 })
  );
  assert.deepEqual(delays, [2_000, 4_000, 8_000, 128_000, 256_000, 300_000, 300_000]);
  assert.equal(retryDelayMs(1, { leftMs: HOUR_MS, chance: 0.5 }), 2_500);
  assert.equal(retryDelayMs(20, { leftMs: -1, chance: 0 }), 300_000, "it goes on behind the end");
});

Deno.test("retryDelayMs() leaves room for more attempts before the end", () => {
  assert.equal(retryDelayMs(20, { leftMs: 40_000, chance: 0.9 }), 10_000);
  assert.equal(retryDelayMs(20, { leftMs: 400, chance: 0.9 }), 2_000);
});

Deno.test("answerTimeMs() is 15 min, a third of what is left, or 10 s", () => {
  assert.equal(answerTimeMs(24 * HOUR_MS), 15 * 60_000);
  assert.equal(answerTimeMs(60_000), 20_000);
  assert.equal(answerTimeMs(6_000), 10_000);
  assert.equal(answerTimeMs(-6_000), 15 * 60_000);
});
