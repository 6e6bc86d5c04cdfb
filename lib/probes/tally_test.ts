import assert from "node:assert/strict";
import { probeTimes } from "./spec.ts";
import { type Answer, count, NO_ANSWERS } from "./tally.ts";

function believed(
  answers: string,
  times: { successThreshold: number; failureThreshold: number },
): string {
  let tally = NO_ANSWERS;
  return [...answers].map((sign) => {
    const answer: Answer = sign === "+" ? "success" : "failure";
    const next = count(tally, { answer, times });
    tally = next;
    return next.believed ? sign : ".";
  }).join("");
}

Deno.test("count() believes the same answers in a row, from the threshold on", () => {
  const times = { successThreshold: 2, failureThreshold: 3 };
  assert.equal(believed("+++--+---++", times), ".++.....-.+");
  assert.equal(believed("-+-+", { successThreshold: 1, failureThreshold: 1 }), "-+-+");
});

Deno.test("probeTimes() has the API's defaults, also for zeroes", () => {
  const defaults = {
    initialDelayMs: 0,
    timeoutMs: 1_000,
    periodMs: 10_000,
    successThreshold: 1,
    failureThreshold: 3,
  };
  assert.deepEqual(probeTimes({}), defaults);
  assert.deepEqual(probeTimes({ periodSeconds: 0, timeoutSeconds: 0 }), defaults);
});
