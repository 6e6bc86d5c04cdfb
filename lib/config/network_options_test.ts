import assert from "node:assert/strict";
import { podCidrs } from "./network_options.ts";

Deno.test("podCidrs reads one range of each family", () => {
  assert.deepEqual(podCidrs.fromText("10.244.1.0/24"), ["10.244.1.0/24"]);
  assert.deepEqual(podCidrs.fromText("fd00::/64, 10.0.0.0/8"), ["fd00::/64", "10.0.0.0/8"]);
  assert.deepEqual(podCidrs.fromText(""), []);
  assert.deepEqual(podCidrs.fromJson(["fd00::/64"]), ["fd00::/64"]);
  assert.deepEqual(podCidrs.join?.(["10.0.0.0/8"], ["fd00::/64"]), ["10.0.0.0/8", "fd00::/64"]);
  assert.equal(podCidrs.toText(["10.0.0.0/8", "fd00::/64"]), "10.0.0.0/8,fd00::/64");
});

Deno.test("podCidrs refuses everything else", () => {
  for (const text of ["10.0.0.0", "10.0.0/8", "10.0.0.0/33", "fd00::/129", "fe80::%lo/64", "a/8"]) {
    assert.throws(() => podCidrs.fromText(text), RangeError, text);
  }
  for (
    const text of ["10.0.0.0/8/8", "10.0.0.0/", "10.0.0.0/8,10.1.0.0/16", "fd00::/64,fd01::/64"]
  ) {
    assert.throws(() => podCidrs.fromText(text), RangeError, text);
  }
  assert.throws(() => podCidrs.fromJson("10.0.0.0/8"), RangeError);
  assert.throws(() => podCidrs.join?.(["10.0.0.0/8"], ["10.0.0.0/8"]), RangeError);
});
