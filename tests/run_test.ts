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

clusterTest("a run that is given up leaves nothing in the machine's memory", async () => {
  await using folder = await tempFolder();
  const volume = `m-${crypto.randomUUID()}`;
  const path = join(folder.path, "pod.json");
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "stuck" },
    spec: {
      volumes: [
        { name: volume, emptyDir: { medium: "Memory" } },
        { name: "none", configMap: { name: "none" } },
      ],
      containers: [{
        name: "app",
        image: `file:${await guest("hello")}`,
        volumeMounts: [{ name: volume, mountPath: "/m" }, { name: "none", mountPath: "/n" }],
      }],
    },
  };
  await Deno.writeTextFile(path, JSON.stringify(pod));
  const { code, stderr } = await runKrustlet(["run", path]);
  assert.notEqual(code, 0);
  assert.match(stderr, /configmap "none" not found/);
  // Other agents of this machine have folders of their own there.
  const left = await namesBelow("/dev/shm", 3);
  assert.deepEqual(left.filter((name) => name === volume), []);
});

/** Names in a folder and in the folders in it, so many levels deep; none where nobody may look. */
async function namesBelow(folder: string, depth: number): Promise<string[]> {
  if (depth === 0) return [];
  const names: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      names.push(name);
      if (isDirectory) names.push(...await namesBelow(join(folder, name), depth - 1));
    }
  } catch {
    return names;
  }
  return names;
}
