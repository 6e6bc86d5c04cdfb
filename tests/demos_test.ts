/** Every demo does what its `expected_output.txt` says. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runTool } from "./parts/run.ts";
import { runKrustlet } from "./harness/command.ts";
import { clusterTest, useTestbed } from "./harness/testbed.ts";

const DEMOS = fileURLToPath(new URL("../demos", import.meta.url));
/** Demos that run with no cluster, by `krustlet run`. */
const LOCAL = [
  ...["hello-go", "hello-rust", "hello-assemblyscript", "hello-c"],
  ...["config-and-secrets", "crash-loop"],
];
/** Demos that need a cluster, and how kubectl sees that they have done their work. */
const CLUSTER = {
  deployment: { module: "beat", wait: ["rollout", "status", "deployment/beat"] },
  job: { module: "primes", wait: ["wait", "--for=condition=complete", "job/primes"] },
} as const;
/** Demos of the guides, which are programs beside a cluster; `tests/guides_test.ts` runs them. */
const GUIDES = ["operator", "provider"];
/** Where the manifests expect the modules, which a test cannot write. */
const INSTALLED = "/srv/krustlet";

const scenario = useTestbed({ alone: true, args: ["--x-allow-local-modules", "true"] });

clusterTest("every demo has a test, a README and an expected output", async () => {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(DEMOS)) {
    if (!isDirectory) continue;
    found.push(name);
    assert.ok((await Deno.stat(join(DEMOS, name, "README.md"))).isFile);
    assert.ok((await expected(name)).endsWith("\n"));
  }
  assert.deepEqual(found.sort(), [...LOCAL, ...Object.keys(CLUSTER), ...GUIDES].sort());
});

clusterTest("the demos build, and those for krustlet run print what they should", async () => {
  await buildDemos();
  for (const name of LOCAL) {
    // Its compiler may be missing here, as build.ts has said.
    if (!await isBuilt(name)) continue;
    const { code, stdout, stderr } = await runKrustlet(["run", join(DEMOS, name, "pod.yaml")]);
    assert.equal(code, 0, `${name}: ${stderr}`);
    assert.equal(stdout, await expected(name), name);
  }
});

for (const [name, { module, wait }] of Object.entries(CLUSTER)) {
  scenario(`the demo ${name} works in a cluster`, async (scene) => {
    await buildDemos();
    const manifest = await Deno.readTextFile(join(DEMOS, name, `${name}.yaml`));
    assert.ok(manifest.includes(`file:${INSTALLED}/${module}.wasm`));
    const here = join(DEMOS, name);
    await scene.cluster.kubectl(["apply", "-n", scene.namespace, "-f", "-"], {
      input: manifest.replaceAll(INSTALLED, here),
    });
    await scene.kubectl(...wait, "--timeout=60s");
    const owner = wait.find((word) => word.includes("/")) ?? "";
    const logs = await scene.kubectl("logs", owner);
    assert.ok(logs.startsWith(await expected(name)), logs);
  });
}

async function buildDemos(): Promise<void> {
  await runTool([Deno.execPath(), "run", "-A", join(DEMOS, "build.ts")]);
}

async function isBuilt(name: string): Promise<boolean> {
  for await (const entry of Deno.readDir(join(DEMOS, name))) {
    if (entry.name.endsWith(".wasm")) return true;
  }
  return false;
}

async function expected(name: string): Promise<string> {
  return await Deno.readTextFile(join(DEMOS, name, "expected_output.txt"));
}
