import assert from "node:assert/strict";
import type { ContainerState, ContainerStatus, PodStatus } from "../api/types.ts";
import { exitCodeOf, isOver, stuckReason } from "./outcome.ts";

function container(state: ContainerState): ContainerStatus {
  return {
    name: "app",
    image: "",
    imageID: "",
    ready: false,
    restartCount: 0,
    state,
    lastState: {},
  };
}

const ended = (...codes: number[]): PodStatus => ({
  phase: codes.every((code) => code === 0) ? "Succeeded" : "Failed",
  containerStatuses: codes.map((exitCode) => container({ terminated: { exitCode } })),
});

Deno.test("exitCodeOf() is the code of the first container that failed", () => {
  assert.equal(exitCodeOf([ended(0), ended(0, 0)]), 0);
  assert.equal(exitCodeOf([ended(0), ended(0, 3, 4), ended(5)]), 3);
  assert.equal(exitCodeOf([{ ...ended(0), phase: "Failed" }]), 1);
  assert.equal(exitCodeOf([{ phase: "Failed" }]), 125);
  assert.equal(exitCodeOf([undefined]), 125);
});

Deno.test("stuckReason() names what somebody has to mend, and nothing that may pass", () => {
  const waiting = (reason: string): PodStatus => ({
    containerStatuses: [container({ waiting: { reason, message: "because" } })],
  });
  assert.match(stuckReason(waiting("ErrImagePull")) ?? "", /"app".*ErrImagePull: because/);
  assert.equal(stuckReason(waiting("CrashLoopBackOff")), undefined);
  assert.equal(stuckReason(ended(3)), undefined);
});

Deno.test("isOver() is true of the final phases only", () => {
  assert.deepEqual(
    (["Pending", "Running", "Succeeded", "Failed"] as const).map((phase) => isOver({ phase })),
    [false, false, true, true],
  );
});
