import assert from "node:assert/strict";
import type { ContainerStatus, Pod } from "../api/types.ts";
import { podList, runningPodList } from "./pods.ts";

function status(name: string, state: ContainerStatus["state"]): ContainerStatus {
  return { name, image: "i", imageID: "", ready: true, restartCount: 0, state, lastState: {} };
}

const PODS: Pod[] = [{
  metadata: { name: "a", namespace: "ns", uid: "u", labels: { x: "y" } },
  spec: { containers: [{ name: "main", image: "i:1" }, { name: "done", image: "i:2" }] },
  status: {
    containerStatuses: [
      status("main", { running: { startedAt: "2024-01-01T00:00:00Z" } }),
      status("done", { terminated: { exitCode: 0 } }),
    ],
  },
}, { metadata: { name: "waits" }, spec: { containers: [{ name: "main" }] } }];

Deno.test("podList() is a PodList of everything", () => {
  const list = podList(PODS);
  assert.equal(list["kind"], "PodList");
  assert.deepEqual(list["items"], PODS.map((pod) => ({ ...pod, apiVersion: "v1", kind: "Pod" })));
});

Deno.test("runningPodList() has only what runs", () => {
  assert.deepEqual(runningPodList(PODS)["items"], [{
    metadata: { name: "a", namespace: "ns", uid: "u" },
    spec: { containers: [{ name: "main", image: "i:1", resources: {} }] },
    status: {},
  }]);
});
