import assert from "node:assert/strict";
import type { VolumeMount } from "../api/types.ts";
import { mountStatuses, recursiveProblem } from "./mount_status.ts";

const AT = { name: "v", mountPath: "/v" };

Deno.test("mountStatuses() tells whether a mount is read-only, and below as well if asked", () => {
  const volumeMounts: VolumeMount[] = [
    AT,
    { ...AT, readOnly: true },
    { ...AT, readOnly: true, recursiveReadOnly: "Disabled" },
    { ...AT, readOnly: true, recursiveReadOnly: "IfPossible" },
    { ...AT, readOnly: true, recursiveReadOnly: "Enabled" },
  ];
  assert.deepEqual(mountStatuses({ name: "app", volumeMounts }), [
    AT,
    { ...AT, readOnly: true, recursiveReadOnly: "Disabled" },
    { ...AT, readOnly: true, recursiveReadOnly: "Disabled" },
    { ...AT, readOnly: true, recursiveReadOnly: "Enabled" },
    { ...AT, readOnly: true, recursiveReadOnly: "Enabled" },
  ]);
  assert.deepEqual(mountStatuses({ name: "app" }), []);
});

Deno.test("recursiveProblem() refuses what contradicts itself", () => {
  const recursiveReadOnly = "Enabled";
  const rows: [Partial<VolumeMount>, RegExp | undefined][] = [
    [{}, undefined],
    [{ recursiveReadOnly: "Disabled" }, undefined],
    [{ readOnly: true, recursiveReadOnly }, undefined],
    [{ readOnly: true, recursiveReadOnly: "IfPossible" }, undefined],
    [{ recursiveReadOnly }, /but it is not read-only$/],
    [{ readOnly: true, recursiveReadOnly, mountPropagation: "HostToContainer" }, /propagation/],
    [{ readOnly: true, recursiveReadOnly: "Often" }, /unknown recursive read-only mode "Often"$/],
  ];
  for (const [more, wanted] of rows) {
    const problem = recursiveProblem({ ...AT, ...more });
    if (wanted === undefined) assert.equal(problem, undefined);
    else assert.match(problem ?? "", wanted);
  }
});
