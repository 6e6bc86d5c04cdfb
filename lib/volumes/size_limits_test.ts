import assert from "node:assert/strict";
import type { Pod } from "../api/types.ts";
import { formatQuantity } from "../quantity.ts";
import { excessMessage, sizeLimit } from "./size_limits.ts";

const NODE = { memory: "8Gi" };

function limit(
  emptyDir: { medium?: string; sizeLimit?: string },
  ...memory: (string | undefined)[]
): string | undefined {
  return limitOf({ spec: specOf(memory) }, emptyDir);
}

function limitOf(
  pod: Pod,
  emptyDir: { medium?: string; sizeLimit?: string },
): string | undefined {
  const found = sizeLimit(pod, { name: "v", emptyDir }, NODE);
  return found && formatQuantity(found);
}

function specOf(memory: readonly (string | undefined)[]): NonNullable<Pod["spec"]> {
  const containers = memory.map((text, index) => ({
    name: `c${index}`,
    resources: text === undefined ? {} : { limits: { memory: text } },
  }));
  return { containers };
}

Deno.test("sizeLimit() is the volume's own; in memory the containers' limits count too", () => {
  assert.equal(limit({}), undefined);
  assert.equal(limit({ sizeLimit: "0" }), undefined);
  assert.equal(limit({ sizeLimit: "1Gi" }, "1Mi"), "1Gi");
  const medium = "Memory";
  assert.equal(limit({ medium, sizeLimit: "1Gi" }, undefined), "1Gi");
  assert.equal(limit({ medium, sizeLimit: "1Gi" }, "64Mi"), "64Mi");
  assert.equal(limit({ medium }, "64Mi", "32Mi"), "96Mi");
  assert.equal(limit({ medium, sizeLimit: "16Mi" }, "64Mi"), "16Mi");
});

Deno.test("sizeLimit() in memory is never more than the node has for pods", () => {
  const medium = "Memory";
  assert.equal(limit({ medium }), "8Gi");
  assert.equal(limit({ medium }, "64Mi", undefined), "8Gi");
  assert.equal(limit({ medium }, "64Mi", "0"), "8Gi");
  assert.equal(limit({ medium, sizeLimit: "1Ti" }, "64Gi"), "8Gi");
  assert.equal(sizeLimit({}, { name: "v", emptyDir: { medium } }, {}), undefined);
});

Deno.test("sizeLimit() in memory counts sidecars, and what the pod says for all", () => {
  const medium = "Memory";
  const [sidecar] = specOf(["32Mi"]).containers;
  const initContainers = [{ ...sidecar!, name: "s", restartPolicy: "Always" as const }];
  assert.equal(limitOf({ spec: { ...specOf(["64Mi"]), initContainers } }, { medium }), "96Mi");
  const free = { ...specOf(["64Mi"]), initContainers: [{ name: "i" }] };
  assert.equal(limitOf({ spec: free }, { medium }), "8Gi");
  const whole = { ...free, resources: { limits: { memory: "128Mi" } } };
  assert.equal(limitOf({ spec: whole }, { medium }), "128Mi");
});

Deno.test("excessMessage() speaks like a kubelet", () => {
  assert.equal(
    excessMessage("tmp", sizeLimit({}, { name: "tmp", emptyDir: { sizeLimit: "1024Ki" } }, NODE)!),
    'Usage of EmptyDir volume "tmp" exceeds the limit "1Mi". ',
  );
});
