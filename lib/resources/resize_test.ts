import assert from "node:assert/strict";
import type { Container, Pod, ResourceRequirements } from "../api/types.ts";
import { allocate, allocatedPod, infeasible, wantsResize } from "./resize.ts";

function podOf(resources: ResourceRequirements, more: Partial<Container> = {}): Pod {
  return { spec: { containers: [{ name: "app", resources, ...more }] } };
}
const BEFORE = { requests: { cpu: "100m" }, limits: { memory: "64Mi" } };
const RESTART = { resizePolicy: [{ resourceName: "memory", restartPolicy: "RestartContainer" }] };
const running = new Set(["app"]);

Deno.test("wantsResize() compares amounts, however they are written", () => {
  const allocated = allocate(podOf(BEFORE));
  assert.equal(
    wantsResize(podOf({ requests: { cpu: "0.1" }, limits: { memory: "65536Ki" } }), allocated),
    false,
  );
  assert.equal(
    wantsResize(podOf({ requests: { cpu: "101m" }, limits: { memory: "64Mi" } }), allocated),
    true,
  );
  assert.equal(wantsResize(podOf({ limits: { memory: "64Mi" } }), allocated), true);
});

const CASES: [what: string, pod: Pod, running: Set<string>, feasible: boolean][] = [
  [
    "another request of cpu and memory",
    podOf({ ...BEFORE, requests: { cpu: "2", memory: "1Mi" } }),
    running,
    true,
  ],
  [
    "another memory limit of a guest that runs",
    podOf({ limits: { memory: "1Gi" } }),
    running,
    false,
  ],
  ["no memory limit any more of a guest that runs", podOf({}), running, false],
  [
    "another memory limit of one that does not run",
    podOf({ limits: { memory: "1Gi" } }),
    new Set(),
    true,
  ],
  [
    "another memory limit with a restart",
    podOf({ limits: { memory: "1Gi" } }, RESTART),
    running,
    true,
  ],
];
for (const [what, pod, runs, feasible] of CASES) {
  Deno.test(`infeasible() ${feasible ? "allows" : "refuses"} ${what}`, () => {
    const found = infeasible(pod, { allocated: allocate(podOf(BEFORE)), running: runs });
    assert.equal(found?.reason, feasible ? undefined : "Infeasible");
  });
}

Deno.test("allocatedPod() is the pod as the node has agreed to it", () => {
  const wanted = podOf({ limits: { memory: "1Gi" } });
  const agreed = allocatedPod(wanted, allocate(podOf(BEFORE)));
  assert.deepEqual(agreed.spec?.containers[0]?.resources, BEFORE);
  assert.equal(allocatedPod(wanted, undefined), wanted);
});
