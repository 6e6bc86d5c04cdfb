import assert from "node:assert/strict";
import type { ResourceRequirements } from "../api/types.ts";
import { qosClass } from "./qos.ts";

const classOf = (...all: ResourceRequirements[]): string =>
  qosClass({ spec: { containers: all.map((resources, i) => ({ name: `c${i}`, resources })) } });

Deno.test("qosClass() follows the Kubernetes documentation", () => {
  const full = { cpu: "100m", memory: "64Mi" };
  assert.equal(classOf({}), "BestEffort");
  assert.equal(classOf({ requests: { cpu: "0" } }), "BestEffort");
  assert.equal(classOf({ requests: { "example.com/gpu": "1" } }), "BestEffort");
  assert.equal(classOf({ limits: full }), "Guaranteed");
  assert.equal(classOf({ limits: full, requests: full }), "Guaranteed");
  assert.equal(classOf({ limits: full, requests: { ...full, cpu: "50m" } }), "Burstable");
  assert.equal(classOf({ limits: { cpu: "1" } }), "Burstable");
  assert.equal(classOf({ limits: full }, {}), "Burstable");
});

Deno.test("qosClass() goes by what the pod says as a whole, if it says anything", () => {
  const full = { cpu: "100m", memory: "64Mi" };
  const classOfPod = (pod: ResourceRequirements, own: ResourceRequirements): string =>
    qosClass({ spec: { resources: pod, containers: [{ name: "a", resources: own }] } });
  assert.equal(classOfPod({ limits: full }, {}), "Guaranteed");
  assert.equal(
    classOfPod({ limits: full, requests: full }, { requests: { cpu: "1m" } }),
    "Guaranteed",
  );
  assert.equal(classOfPod({ requests: { cpu: "1m" } }, { limits: full }), "Burstable");
  assert.equal(classOfPod({ limits: { "hugepages-2Mi": "2Mi" } }, {}), "BestEffort");
});
