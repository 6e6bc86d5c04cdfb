import assert from "node:assert/strict";
import type { ContainerStatus, Pod } from "../api/types.ts";
import { newContainerRecord } from "../container/record.ts";
import { identity, loseRunning, newRecord } from "./record.ts";

const NOW = "2026-11-21T12:00:00Z";

function pod(parts: Partial<Pod> = {}): Pod {
  return {
    metadata: { uid: "u1", namespace: "default", name: "web" },
    spec: { containers: [{ name: "app", image: "app:v1" }] },
    ...parts,
  };
}

function seen(parts: Partial<ContainerStatus>): ContainerStatus {
  const image = { name: "app", image: "app:v1", imageID: "app@sha256:1" };
  return { ...image, ready: false, restartCount: 0, state: {}, lastState: {}, ...parts };
}

Deno.test("newRecord() of a new pod has every container waiting", () => {
  const record = newRecord(pod(), NOW);
  assert.deepEqual(record, {
    version: 1,
    uid: "u1",
    namespace: "default",
    name: "web",
    startTime: NOW,
    containers: { app: newContainerRecord("ContainerCreating") },
  });
});

Deno.test("newRecord() lets all containers wait for the init containers, if there are any", () => {
  const spec = { containers: [{ name: "app" }], initContainers: [{ name: "setup" }] };
  const { containers } = newRecord(pod({ spec }), NOW);
  assert.deepEqual(
    Object.entries(containers).map(([name, { state }]) => [name, state.waiting?.reason]),
    [["setup", "PodInitializing"], ["app", "PodInitializing"]],
  );
});

Deno.test("newRecord() takes the cluster's word when this machine remembers nothing", () => {
  const terminated = { exitCode: 3, reason: "Error" };
  const status = {
    phase: "Failed" as const,
    startTime: "2026-11-21T11:00:00Z",
    containerStatuses: [seen({
      restartCount: 4,
      containerID: "fake://1",
      state: { terminated },
      lastState: { terminated },
    })],
  };
  const record = newRecord(pod({ status }), NOW);
  assert.equal(record.startTime, status.startTime);
  assert.equal(record.finalPhase, "Failed");
  assert.deepEqual(record.reported, status);
  assert.deepEqual(record.containers["app"], {
    restartCount: 4,
    state: { terminated },
    lastState: { terminated },
    started: false,
    ready: false,
    containerId: "fake://1",
    image: "app:v1",
    imageId: "app@sha256:1",
  });
});

Deno.test("newRecord() ignores what the cluster says of containers that the pod does not have", () => {
  const status = { phase: "Running" as const, containerStatuses: [seen({ name: "other" })] };
  const record = newRecord(pod({ status }), NOW);
  assert.deepEqual(Object.keys(record.containers), ["app"]);
  assert.equal(record.finalPhase, undefined);
});

Deno.test("identity() refuses what is no pod of a cluster", () => {
  assert.deepEqual(identity(pod()), { uid: "u1", namespace: "default", name: "web" });
  for (const missing of ["uid", "namespace", "name"] as const) {
    const metadata = { ...pod().metadata };
    delete metadata[missing];
    assert.throws(() => identity(pod({ metadata })), TypeError);
  }
});

Deno.test("loseRunning() ends what ran with the agent, and touches nothing else", () => {
  const ended = { exitCode: 0, startedAt: NOW, finishedAt: NOW };
  const status = {
    containerStatuses: [
      seen({ name: "app", restartCount: 2, started: true, state: { running: { startedAt: NOW } } }),
      seen({ name: "done", state: { terminated: ended } }),
      seen({ name: "waiting", state: { waiting: { reason: "CrashLoopBackOff" } } }),
    ],
  };
  const spec = { containers: ["app", "done", "waiting"].map((name) => ({ name })) };
  const record = newRecord(pod({ spec, status }), NOW);
  const before = structuredClone(record.containers);
  loseRunning(record, Date.parse("2026-11-21T12:30:00Z"));
  const { app, ...others } = record.containers;
  const { done, waiting } = before;
  assert.deepEqual(others, { done, waiting });
  assert.equal(app?.started, false);
  assert.equal(app?.restartCount, 2);
  const { message, ...terminated } = app?.state.terminated ?? { exitCode: 0 };
  assert.deepEqual(terminated, {
    exitCode: 137,
    reason: "ContainerStatusUnknown",
    startedAt: NOW,
    finishedAt: "2026-11-21T12:30:00Z",
  });
  assert.notEqual(message, undefined);
});
