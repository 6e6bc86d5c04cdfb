import assert from "node:assert/strict";
import type { Pod } from "../api/types.ts";
import { RejectionThrottle } from "./rejection_throttle.ts";

function podOf(owner?: string, controller = true): Pod {
  const reference = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "web", controller };
  const ownerReferences = owner === undefined ? [] : [{ ...reference, uid: owner }];
  return { metadata: { name: "web", ownerReferences } };
}

/** Rejects one pod after the other, each as soon as its predecessor has failed. */
function delays(throttle: RejectionThrottle, pod: Pod, count: number): number[] {
  let nowMs = 0;
  return Array.from({ length: count }, () => {
    const delayMs = throttle.delayMs(pod, nowMs);
    nowMs += delayMs;
    return delayMs / 1000;
  });
}

Deno.test("RejectionThrottle fails an owner's first pod at once, and each further one later", () => {
  const throttle = new RejectionThrottle();
  assert.deepEqual(delays(throttle, podOf("o1"), 8), [0, 10, 20, 40, 80, 160, 300, 300]);
});

Deno.test("RejectionThrottle treats each owner for itself", () => {
  const throttle = new RejectionThrottle();
  assert.deepEqual(delays(throttle, podOf("o1"), 3), [0, 10, 20]);
  assert.deepEqual(delays(throttle, podOf("o2"), 2), [0, 10]);
});

Deno.test("RejectionThrottle never slows down a pod that nobody makes again", () => {
  const throttle = new RejectionThrottle();
  assert.deepEqual(delays(throttle, podOf(), 3), [0, 0, 0]);
  assert.deepEqual(delays(throttle, podOf("o1", false), 3), [0, 0, 0]);
  assert.deepEqual(delays(throttle, {}, 2), [0, 0]);
});

Deno.test("RejectionThrottle forgets an owner ten minutes after its last pod has failed", () => {
  const throttle = new RejectionThrottle();
  assert.deepEqual(delays(throttle, podOf("o1"), 2), [0, 10]); // the second fails at 10 s
  assert.equal(throttle.delayMs(podOf("o1"), 610_000), 20_000); // which fails at 630 s
  assert.equal(throttle.delayMs(podOf("o1"), 1_230_001), 0);
});

Deno.test("RejectionThrottle forgets the owner that it has not seen for the longest time", () => {
  const throttle = new RejectionThrottle();
  for (const owner of ["o1", "o2", "o1"]) throttle.delayMs(podOf(owner), 0);
  for (let i = 0; i < 1_023; i++) throttle.delayMs(podOf(`other ${i}`), 0);
  assert.equal(throttle.delayMs(podOf("o1"), 0), 20_000);
  assert.equal(throttle.delayMs(podOf("o2"), 0), 0);
});
