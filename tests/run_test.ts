/** `krustlet run`, when things go wrong. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { guest } from "./guests/build.ts";
import { runKrustlet } from "./harness/command.ts";
import { tempFolder } from "./harness/temp_folder.ts";
import { clusterTest } from "./harness/testbed.ts";

clusterTest("a trap shows its stack and is exit code 134", async () => {
  const { code, stdout, stderr } = await runKrustlet(["run", await guest("trap")]);
  assert.equal(code, 134);
  assert.match(stdout + stderr, /unreachable[\s\S]*break_the_glass[\s\S]*handle_request/);
});

clusterTest("what cannot be run is said in words", async () => {
  await using folder = await tempFolder();
  const file = async (name: string, text: string): Promise<string> => {
    await Deno.writeTextFile(join(folder.path, name), text);
    return join(folder.path, name);
  };
  const bad: readonly [string, RegExp][] = [
    [join(folder.path, "none.yaml"), /none\.yaml/],
    [await file("broken.yaml", "kind: [Pod"), /broken\.yaml/],
    [await file("service.yaml", "apiVersion: v1\nkind: Service\nmetadata: { name: s }\n"), /Pod/],
    [await file("broken.wasm", "not wasm"), /broken\.wasm|wasm/i],
  ];
  for (const [path, words] of bad) {
    const { code, stderr } = await runKrustlet(["run", path]);
    assert.notEqual(code, 0, path);
    assert.match(stderr, words);
    assert.doesNotMatch(stderr, /\n\s+at .*\.ts/, "people get words, not stacks");
  }
});
