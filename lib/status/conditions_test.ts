import assert from "node:assert/strict";
import type { Pod, PodCondition } from "../api/types.ts";
import { conditionsOf } from "./conditions.ts";

const POD: Pod = {
  metadata: { generation: 2 },
  spec: { containers: [{ name: "a" }, { name: "b" }] },
};
const RUNS = { state: { running: { startedAt: "x" } }, lastState: {}, started: true, ready: true };
const WAITS = { state: { waiting: {} }, lastState: {}, started: false, ready: false };

function words(conditions: readonly PodCondition[]): Record<string, string> {
  return Object.fromEntries(conditions.map(({ type, status }) => [type, status]));
}

Deno.test("conditionsOf() says which containers are not ready", () => {
  const found = conditionsOf({
    pod: POD,
    containers: { a: RUNS, b: WAITS },
    phase: "Pending",
    readyToStart: true,
    before: [],
    now: "t1",
  });
  assert.deepEqual(words(found), {
    PodReadyToStartContainers: "True",
    Initialized: "True",
    Ready: "False",
    ContainersReady: "False",
    PodScheduled: "True",
  });
  const ready = found.find(({ type }) => type === "Ready");
  assert.equal(ready?.message, "containers with unready status: [b]");
  assert.equal(ready?.observedGeneration, 2);
});

Deno.test("conditionsOf() counts sidecars as the pod's own, and no other init containers", () => {
  const initContainers = [{ name: "init" }, { name: "side", restartPolicy: "Always" as const }];
  const ended = { ...WAITS, state: { terminated: { exitCode: 0, reason: "Completed" } } };
  const ready = (side: typeof RUNS): string | undefined =>
    words(conditionsOf({
      pod: { ...POD, spec: { containers: [{ name: "a" }], initContainers } },
      containers: { init: ended, side, a: RUNS },
      phase: "Running",
      readyToStart: true,
      before: [],
      now: "t1",
    }))["Ready"];
  assert.equal(ready(RUNS), "True");
  assert.equal(ready({ ...RUNS, ready: false }), "False");
});

Deno.test("conditionsOf() keeps the time of what did not change", () => {
  const input = { pod: POD, phase: "Running", readyToStart: true } as const;
  const before = conditionsOf({
    ...input,
    containers: { a: RUNS, b: WAITS },
    before: [],
    now: "t1",
  });
  const after = conditionsOf({ ...input, containers: { a: RUNS, b: RUNS }, before, now: "t2" });
  const times = Object.fromEntries(after.map((one) => [one.type, one.lastTransitionTime]));
  assert.deepEqual(times, {
    PodReadyToStartContainers: "t1",
    Initialized: "t1",
    Ready: "t2",
    ContainersReady: "t2",
    PodScheduled: "t1",
  });
});

Deno.test("conditionsOf() calls a pod that has ended not ready, and says why", () => {
  const found = conditionsOf({
    pod: POD,
    containers: {},
    phase: "Succeeded",
    readyToStart: false,
    before: [],
    now: "t1",
  });
  assert.equal(found.find(({ type }) => type === "Ready")?.reason, "PodCompleted");
  assert.equal(found.find(({ type }) => type === "Initialized")?.status, "True");
});

Deno.test("conditionsOf() asks the conditions that spec.readinessGates names", () => {
  const verdict = (
    conditions: PodCondition[],
    b = RUNS as typeof RUNS | typeof WAITS,
  ): string[] => {
    const found = conditionsOf({
      pod: {
        ...POD,
        spec: { ...POD.spec!, readinessGates: [{ conditionType: "g1" }, { conditionType: "g2" }] },
        status: { conditions },
      },
      containers: { a: RUNS, b },
      phase: "Running",
      readyToStart: true,
      before: [],
      now: "t1",
    });
    const { status, reason = "", message = "" } = found.find(({ type }) => type === "Ready")!;
    return [status, reason, message];
  };
  assert.deepEqual(verdict([{ type: "g1", status: "False" }]), [
    "False",
    "ReadinessGatesNotReady",
    'the status of pod readiness gate "g1" is not "True", but False, ' +
    'corresponding condition of pod readiness gate "g2" does not exist.',
  ]);
  const good: PodCondition[] = [{ type: "g1", status: "True" }, { type: "g2", status: "True" }];
  assert.deepEqual(verdict(good), ["True", "", ""]);
  assert.equal(verdict(good, WAITS)[1], "ContainersNotReady");
});

Deno.test("conditionsOf() says that it was the node that ended the pod", () => {
  const input = { pod: POD, containers: {}, phase: "Failed", readyToStart: false } as const;
  const found = conditionsOf({
    ...input,
    disruption: { reason: "TerminationByKubelet", message: "no memory" },
    before: [],
    now: "t1",
  });
  assert.deepEqual(found.find(({ type }) => type === "DisruptionTarget"), {
    type: "DisruptionTarget",
    status: "True",
    reason: "TerminationByKubelet",
    message: "no memory",
    lastTransitionTime: "t1",
    observedGeneration: 2,
  });
});

Deno.test("conditionsOf() tells of containers that begin again, and what was initialized stays so", () => {
  const pod: Pod = { spec: { ...POD.spec!, initContainers: [{ name: "i" }] } };
  const input = { pod, containers: {}, phase: "Running", readyToStart: true, now: "t" } as const;
  const restarting = (found: readonly PodCondition[]): PodCondition | undefined =>
    found.find(({ type }) => type === "AllContainersRestarting");
  const before = [{ type: "Initialized", status: "True" as const }];
  const now = conditionsOf({ ...input, before, restarting: true });
  assert.equal(words(now)["Initialized"], "True");
  assert.equal(restarting(now)?.reason, "RestartAllContainersStarted");
  assert.equal(restarting(conditionsOf({ ...input, before, restarting: false }))?.status, "False");
  const plain = conditionsOf({ ...input, before: [] });
  assert.deepEqual([restarting(plain), words(plain)["Initialized"]], [undefined, "False"]);
});
