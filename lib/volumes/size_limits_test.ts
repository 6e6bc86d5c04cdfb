import assert from "node:assert/strict";
import type { Pod } from "../api/types.ts";
import { formatQuantity } from "../quantity.ts";
import { excessMessage, sizeLimit } from "./size_limits.ts";

function limit(
  emptyDir: { medium?: string; sizeLimit?: string },
  ...memory: (string | undefined)[]
): string | undefined {
  const containers = memory.map((text, index) => ({
    name: `c${index}`,
    resources: text === undefined ? {} : { limits: { memory: text } },
  }));
  const pod: Pod = { spec: { containers } };
  const found = sizeLimit(pod, { name: "v", emptyDir });
  return found && formatQuantity(found);
}

Deno.test("sizeLimit() is the volume's own; in memory the containers' limits count too", () => {
  assert.equal(limit({}), undefined);
  assert.equal(limit({ sizeLimit: "0" }), undefined);
  assert.equal(limit({ sizeLimit: "1Gi" }, "1Mi"), "1Gi");
  const medium = "Memory";
  assert.equal(limit({ medium, sizeLimit: "1Gi" }, undefined), "1Gi");
  assert.equal(limit({ medium, sizeLimit: "1Gi" }, "64Mi"), "64Mi");
  assert.equal(limit({ medium }, "64Mi", "32Mi"), "96Mi");
  assert.equal(limit({ medium }, "64Mi", undefined), undefined);
  assert.equal(limit({ medium }, "64Mi", "0"), undefined);
  assert.equal(limit({ medium, sizeLimit: "16Mi" }, "64Mi"), "16Mi");
});

Deno.test("excessMessage() speaks like a kubelet", () => {
  assert.equal(
    excessMessage("tmp", sizeLimit({}, { name: "tmp", emptyDir: { sizeLimit: "1024Ki" } })!),
    'Usage of EmptyDir volume "tmp" exceeds the limit "1Mi". ',
  );
});
