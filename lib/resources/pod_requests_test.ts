import assert from "node:assert/strict";
import type { Container, PodSpec } from "../api/types.ts";
import { podLimits, podRequests } from "./pod_requests.ts";

/** A container that asks for so many millicores. */
function app(cpu: number): Container {
  return { name: `c${cpu}`, resources: { requests: { cpu: `${cpu}m` } } };
}
function sidecar(cpu: number): Container {
  return { ...app(cpu), restartPolicy: "Always" };
}

const CASES: [what: string, spec: PodSpec, millis: bigint | undefined][] = [
  ["nothing", { containers: [{ name: "a" }] }, undefined],
  ["the sum of its containers", { containers: [app(100), app(200)] }, 300n],
  ["a limit for a missing request", {
    containers: [{ name: "a", resources: { limits: { cpu: "1" } } }],
  }, 1000n],
  ["a greater init container", { initContainers: [app(500)], containers: [app(100)] }, 500n],
  ["its containers beside a lesser init container", {
    initContainers: [app(50), app(60)],
    containers: [app(100)],
  }, 100n],
  ["sidecars beside its containers", {
    initContainers: [sidecar(50), sidecar(60)],
    containers: [app(100)],
  }, 210n],
  ["an init container beside the sidecars before it", {
    initContainers: [sidecar(50), app(200), sidecar(70)],
    containers: [app(100)],
  }, 250n],
  ["no sidecar twice while it starts", {
    initContainers: [sidecar(300), app(10)],
    containers: [app(1)],
  }, 310n],
];

for (const [what, spec, millis] of CASES) {
  Deno.test(`podRequests() counts ${what}`, () => {
    assert.equal(podRequests({ spec }).get("cpu"), millis);
  });
}

Deno.test("podRequests() adds the overhead to all else", () => {
  const overhead = { cpu: "20m" };
  const resources = { requests: { cpu: "40m" } };
  const found = (spec: PodSpec): bigint | undefined => podRequests({ spec }).get("cpu");
  assert.equal(found({ containers: [app(100)], overhead }), 120n);
  assert.equal(found({ containers: [app(100)], overhead, resources }), 60n);
});

Deno.test("podRequests() takes what the pod says as a whole in place of its containers", () => {
  const spec = { resources: { requests: { cpu: "40m" } }, containers: [app(30)] };
  assert.equal(podRequests({ spec }).get("cpu"), 40n);
});

Deno.test("podRequests() takes no storage from the pod as a whole", () => {
  const requests = { "ephemeral-storage": "5Gi", memory: "1Mi" };
  const found = podRequests({ spec: { resources: { requests }, containers: [] } });
  assert.deepEqual([...found], [["memory", 1048576n]]);
});

Deno.test("podLimits() makes no limit out of an overhead", () => {
  const spec: PodSpec = {
    containers: [{ name: "a", resources: { limits: { cpu: "1" } } }],
    overhead: { cpu: "10m", memory: "1Mi" },
  };
  assert.deepEqual([...podLimits({ spec })], [["cpu", 1010n]]);
});
