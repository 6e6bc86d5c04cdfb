import assert from "node:assert/strict";
import type { Pod } from "../api/types.ts";
import { newContainerRecord } from "../container/record.ts";
import { loseRunning, type PodRecord } from "./record.ts";
import { beginAgain, resumeRestart } from "./restart_all.ts";

const NOW_MS = Date.parse("2026-11-21T12:00:00Z");
const POD: Pod = {
  metadata: { uid: "u1", namespace: "default", name: "web" },
  spec: {
    restartPolicy: "Never",
    initContainers: [{ name: "init" }],
    containers: [
      {
        name: "source",
        restartPolicyRules: [{
          action: "RestartAllContainers",
          exitCodes: { operator: "NotIn", values: [0] },
        }],
      },
      { name: "app" },
      { name: "never" },
    ],
  },
};

function record(parts: Partial<PodRecord> = {}): PodRecord {
  const ended = (exitCode: number, reason: string): { terminated: object } => ({
    terminated: {
      exitCode,
      reason,
      startedAt: "2026-11-21T11:59:00Z",
      finishedAt: "2026-11-21T11:59:59Z",
    },
  });
  return {
    version: 1,
    uid: "u1",
    namespace: "default",
    name: "web",
    startTime: "2026-11-21T11:00:00Z",
    containers: {
      init: { ...newContainerRecord(), state: ended(0, "Completed"), restartCount: 2 },
      source: { ...newContainerRecord(), state: ended(3, "Error") },
      app: {
        ...newContainerRecord(),
        state: { running: { startedAt: "2026-11-21T11:59:00Z" } },
        started: true,
      },
      never: newContainerRecord(),
    },
    ...parts,
  } as PodRecord;
}

Deno.test("beginAgain() lets all wait that have run, and whoever has caused it pause", () => {
  const { containers } = record();
  containers["app"]!.state = { terminated: { exitCode: 137, reason: "Error" } };
  const again = { killed: new Set(["app"]), nowMs: NOW_MS };
  beginAgain(POD, { containers }, again);
  const seen = Object.entries(containers).map(([name, { restartCount, state, lastState }]) => [
    name,
    restartCount,
    state.waiting?.reason,
    lastState.terminated?.reason,
  ]);
  assert.deepEqual(seen, [
    ["init", 3, "RestartingAllContainers", "Completed"],
    ["source", 0, "RestartingAllContainers", "Error"],
    ["app", 1, "RestartingAllContainers", "RestartingAllContainers"],
    ["never", 0, "ContainerCreating", undefined],
  ]);
  const source = containers["source"]!;
  assert.deepEqual(source.backoff, { attempt: 0, ms: 0, untilMs: NOW_MS });
  source.restartCount = 1; // it was started
  source.state = { terminated: { exitCode: 3, reason: "Error" } };
  beginAgain(POD, { containers }, { ...again, killed: new Set() });
  assert.deepEqual(source.backoff, { attempt: 1, ms: 10_000, untilMs: NOW_MS + 10_000 });
});

Deno.test("resumeRestart() does what an agent was about to do when it was ended", () => {
  const found = record();
  loseRunning(found, NOW_MS);
  resumeRestart(POD, found, NOW_MS);
  assert.equal(found.containers["app"]?.state.waiting?.reason, "RestartingAllContainers");
  assert.equal(found.containers["init"]?.restartCount, 3);
  assert.equal(found.containers["source"]?.backoff?.attempt, 0);

  const begun = record({ restarting: true });
  delete begun.containers["source"]!.state.terminated;
  resumeRestart(POD, begun, NOW_MS);
  assert.equal(begun.restarting, undefined);
  assert.equal(begun.containers["init"]?.state.waiting?.reason, "RestartingAllContainers");
});

Deno.test("resumeRestart() leaves alone what has ended, and what only the agent's end has ended", () => {
  const failed = record({ finalPhase: "Failed" });
  resumeRestart(POD, failed, NOW_MS);
  assert.deepEqual(failed, record({ finalPhase: "Failed" }));

  const lost = record();
  lost.containers["source"]!.state = { running: { startedAt: "2026-11-21T11:59:00Z" } };
  loseRunning(lost, NOW_MS);
  const before = structuredClone(lost);
  resumeRestart(POD, lost, NOW_MS);
  assert.deepEqual(lost, before);
});
