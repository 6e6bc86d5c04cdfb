import assert from "node:assert/strict";
import { isKubeletError } from "../../lib/mod.ts";
import { handlersOf, isolationOf } from "./isolation.ts";

Deno.test("isolationOf() knows each handler, and a process is the default", () => {
  assert.equal(isolationOf(undefined), "process");
  assert.equal(isolationOf("krustlet"), "process");
  assert.equal(isolationOf("krustlet-process"), "process");
  assert.equal(isolationOf("krustlet-worker"), "worker");
});

Deno.test("isolationOf() refuses what is no handler", () => {
  for (const handler of ["runc", "", "__proto__", "constructor"]) {
    assert.throws(() => isolationOf(handler), (error) => isKubeletError(error, "container_start"));
  }
});

Deno.test("handlersOf() has no Workers where they cannot be ended", () => {
  assert.deepEqual(handlersOf("/lib/libc.so.6"), [
    "krustlet",
    "krustlet-process",
    "krustlet-worker",
  ]);
  assert.deepEqual(handlersOf(undefined), ["krustlet", "krustlet-process"]);
});
