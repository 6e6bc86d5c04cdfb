import assert from "node:assert/strict";
import type { ContainerState, Pod, PodPhase, RestartPolicy } from "../api/types.ts";
import { initProgress, type PhaseInput, phaseOf } from "./phase.ts";

const RUNNING: ContainerState = { running: { startedAt: "2026-11-21T12:00:00Z" } };
const OK: ContainerState = { terminated: { exitCode: 0 } };
const BAD: ContainerState = { terminated: { exitCode: 3 } };
const WAITING: ContainerState = { waiting: { reason: "ContainerCreating" } };

function pod(policy: RestartPolicy, containers: string[], init: string[] = []): Pod {
  return {
    spec: {
      restartPolicy: policy,
      containers: containers.map((name) => ({ name })),
      initContainers: init.map((name) =>
        name.startsWith("side") ? { name, restartPolicy: "Always" } : { name }
      ),
    },
  };
}

function seen(state: ContainerState, lastState: ContainerState = {}): PhaseInput {
  return { state, lastState, started: state.running !== undefined };
}

Deno.test("phaseOf() adds up containers as a kubelet does", () => {
  const table: [string, RestartPolicy, Record<string, PhaseInput>, PodPhase][] = [
    ["nothing known", "Always", {}, "Pending"],
    ["one waits, one runs", "Always", { a: seen(RUNNING), b: seen(WAITING) }, "Pending"],
    ["both run", "Never", { a: seen(RUNNING), b: seen(RUNNING) }, "Running"],
    ["one runs, one failed", "Never", { a: seen(RUNNING), b: seen(BAD) }, "Running"],
    ["both succeeded", "Never", { a: seen(OK), b: seen(OK) }, "Succeeded"],
    ["both succeeded", "OnFailure", { a: seen(OK), b: seen(OK) }, "Succeeded"],
    ["both succeeded", "Always", { a: seen(OK), b: seen(OK) }, "Running"],
    ["one failed", "Never", { a: seen(OK), b: seen(BAD) }, "Failed"],
    ["one failed", "OnFailure", { a: seen(OK), b: seen(BAD) }, "Running"],
    ["in back-off", "Always", { a: seen(WAITING, BAD), b: seen(WAITING, BAD) }, "Running"],
    ["in back-off", "OnFailure", { a: seen(OK), b: seen(WAITING, BAD) }, "Running"],
  ];
  for (const [name, policy, containers, expected] of table) {
    assert.equal(phaseOf(pod(policy, ["a", "b"]), containers), expected, `${name}, ${policy}`);
  }
});

Deno.test("phaseOf() keeps a pod Pending until its init containers are done", () => {
  const one = (policy: RestartPolicy, init: PhaseInput) =>
    phaseOf(pod(policy, ["a"], ["i"]), { i: init, a: seen(WAITING) });
  assert.equal(one("Always", seen(RUNNING)), "Pending");
  assert.equal(one("Always", seen(BAD)), "Pending");
  assert.equal(one("Always", seen(WAITING, BAD)), "Pending");
  assert.equal(one("Never", seen(BAD)), "Failed");
  assert.equal(phaseOf(pod("Always", ["a"], ["i"]), { i: seen(OK), a: seen(RUNNING) }), "Running");
});

Deno.test("initProgress() takes a sidecar for done once it has started", () => {
  const subject = pod("Always", ["a"], ["side", "i"]);
  assert.equal(initProgress(subject, { side: seen(WAITING), i: seen(OK) }), "pending");
  assert.equal(initProgress(subject, { side: seen(RUNNING), i: seen(OK) }), "done");
  assert.equal(initProgress(subject, { side: seen(WAITING, BAD), i: seen(OK) }), "done");
});

Deno.test("phaseOf() takes nobody for a failure whose pod begins again", () => {
  const why = { reason: "RestartingAllContainers", exitCode: 137 };
  const again = seen({ waiting: why }, { terminated: why });
  assert.equal(phaseOf(pod("Never", ["a"], ["i"]), { i: again, a: seen(WAITING) }), "Pending");
  assert.equal(phaseOf(pod("Never", ["a"]), { a: again }), "Running");
});
