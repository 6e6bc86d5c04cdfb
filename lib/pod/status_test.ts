import assert from "node:assert/strict";
import { podOf } from "./_world.ts";
import { newRecord } from "./record.ts";
import { podStatus } from "./status.ts";

const NOW = "2026-11-21T12:00:00Z";
const FACTS = { hostIPs: [], podIPs: [], readyToStart: true, now: NOW };

Deno.test("podStatus() calls no pod ended whose container is still in its start hook", () => {
  const pod = podOf("spin");
  const record = newRecord(pod, NOW);
  record.failure = { reason: "DeadlineExceeded", message: "" };
  const app = record.containers["app"]!;
  app.containerId = "fake://1";
  assert.equal(podStatus(pod, record, FACTS).phase, "Pending");
  app.state = { terminated: { exitCode: 137, reason: "Error", containerID: "fake://1" } };
  assert.equal(podStatus(pod, record, FACTS).phase, "Failed");
});

Deno.test("podStatus() says of a pod that has failed what it was, until its last container has ended", () => {
  const initContainers = [{ name: "init", image: "spin" }];
  const pod = podOf("spin", { spec: { initContainers } });
  const record = newRecord(pod, NOW);
  record.failure = { reason: "DeadlineExceeded", message: "" };
  const { init, app } = record.containers;
  const running = { running: { startedAt: NOW } };
  const terminated = (exitCode: number): { terminated: { exitCode: number; reason: string } } => ({
    terminated: { exitCode, reason: "Error" },
  });
  init!.state = running;
  assert.equal(podStatus(pod, record, FACTS).phase, "Pending");
  init!.state = terminated(0);
  app!.state = running;
  assert.equal(podStatus(pod, record, FACTS).phase, "Running");
  app!.state = terminated(137);
  assert.equal(podStatus(pod, record, FACTS).phase, "Failed");
});

Deno.test("podStatus() calls an init container ready that has done its work, and no sidecar that has ended", () => {
  const initContainers = [
    { name: "init", image: "ok" },
    { name: "side", image: "ok", restartPolicy: "Always" },
  ];
  const pod = podOf("spin", { spec: { initContainers } });
  const record = newRecord(pod, NOW);
  for (const name of ["init", "side"]) {
    record.containers[name]!.state = { terminated: { exitCode: 0, reason: "Completed" } };
  }
  const { initContainerStatuses = [] } = podStatus(pod, record, FACTS);
  assert.deepEqual(initContainerStatuses.map(({ ready }) => ready), [true, false]);
});
