import assert from "node:assert/strict";
import { circles, forbidden } from "./check_imports.ts";

const wrong = (from: string, to: string): number => forbidden([{ from, to }]).length;

Deno.test("forbidden() lets rooms in by their doors only", () => {
  assert.equal(wrong("main.ts", "lib/mod.ts"), 0);
  assert.equal(wrong("main.ts", "lib/kubelet.ts"), 1);
  assert.equal(wrong("providers/wasi/mod.ts", "wasi/mod.ts"), 0);
  assert.equal(wrong("providers/wasi/mod.ts", "wasi/memory.ts"), 1);
});

Deno.test("forbidden() keeps rooms from knowing each other", () => {
  assert.equal(wrong("wasi/mod.ts", "lib/mod.ts"), 1);
  assert.equal(wrong("lib/kubelet.ts", "certs/mod.ts"), 1);
  assert.equal(wrong("tests/node_test.ts", "lib/mod.ts"), 1);
});

Deno.test("forbidden() keeps the folders of lib in their order", () => {
  assert.equal(wrong("lib/pod/manager.ts", "lib/container/runner.ts"), 0);
  assert.equal(wrong("lib/container/runner.ts", "lib/pod/manager.ts"), 1);
  assert.equal(wrong("lib/exit.ts", "lib/api/client.ts"), 1);
  assert.equal(wrong("lib/exit.ts", "lib/api/types.ts"), 0);
  assert.equal(wrong("lib/pod/manager.ts", "lib/mod.ts"), 1);
});

Deno.test("circles() finds them, each once", () => {
  const edges = [["a", "b"], ["b", "c"], ["c", "a"], ["c", "d"]].map(([from, to]) => ({
    from: from!,
    to: to!,
  }));
  assert.deepEqual(circles(edges), ["a -> b -> c -> a"]);
});
