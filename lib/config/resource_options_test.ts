import assert from "node:assert/strict";
import { graces, reserved, thresholds } from "./resource_kinds.ts";

Deno.test("reserved reads quantities, from a text and from a file", () => {
  assert.deepEqual(reserved.fromText("cpu=100m, memory=1Gi"), { cpu: "100m", memory: "1Gi" });
  assert.deepEqual(reserved.fromJson({ cpu: 1 }), { cpu: "1" });
  assert.deepEqual(reserved.fromText(""), {});
});

for (const text of ["cpu", "=1", "gpu=1", "cpu=many", "cpu=-1"]) {
  Deno.test(`reserved refuses ${text}`, () => {
    assert.throws(() => reserved.fromText(text), RangeError);
  });
}

Deno.test("thresholds reads signals, and prints them as they are written", () => {
  const text = "memory.available<100Mi,nodefs.available<10%";
  const read = thresholds.fromText(text);
  assert.deepEqual(read, { "memory.available": "100Mi", "nodefs.available": "10%" });
  assert.equal(thresholds.toText(read), text);
});

for (const text of ["memory.available=1Gi", "allocatable.available<1Gi", "nodefs.available<200%"]) {
  Deno.test(`thresholds refuses ${text}`, () => {
    assert.throws(() => thresholds.fromText(text), RangeError);
  });
}

Deno.test("graces reads durations by signal, and refuses what is none", () => {
  assert.deepEqual(graces.fromText("memory.available=1m30s"), { "memory.available": "1m30s" });
  for (const text of ["memory.available=90", "memory=1s", "memory.available<1s"]) {
    assert.throws(() => graces.fromText(text), RangeError, text);
  }
});
