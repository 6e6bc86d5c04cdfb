/** The manifests that the guide to migrating shows do what it says, with the images that it speaks of. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { guest } from "./guests/build.ts";
import { pushArtifact } from "./harness/push.ts";
import { pushTree } from "./harness/push_tree.ts";
import { type Scene, useTestbed } from "./harness/testbed.ts";
import { eventsOf, waitEnded } from "./harness/wait_pod.ts";

const PAGE = fileURLToPath(new URL("../docs/migrating.md", import.meta.url));
/** A manifest of the page, below its mark. */
const AFTER = /^<!-- after: (\w+) -->\n```yaml\n([^]*?)^```$/gm;

const scenario = useTestbed();

scenario("a manifest of Krustlet's runs, with an image of wasm-to-oci's", async (scene) => {
  const { image } = await pushArtifact(scene.registry, {
    repo: "migrating/krustlet",
    wasm: await Deno.readFile(await guest("hello")),
    layout: "wasm-to-oci",
  });
  await apply(scene, "krustlet", image);
  await waitEnded(scene.cluster, { namespace: scene.namespace, name: "hello" }, "Succeeded");
  assert.equal(await scene.kubectl("logs", "hello"), "Hello, world!\n");
});

scenario("a Deployment of runwasi's runs its image by another RuntimeClass", async (scene) => {
  const { image } = await pushTree(scene.registry, {
    repo: "migrating/runwasi",
    layers: [{
      packing: "gzip",
      files: { "app.wasm": await Deno.readFile(await guest("sleep")) },
    }],
    platform: { os: "wasi", architecture: "wasm" },
    run: { Entrypoint: ["/app.wasm"] },
  });
  try {
    await apply(scene, "runwasi", image);
    await scene.kubectl("rollout", "status", "deployment/app", "--timeout=60s");
  } finally {
    await scene.cluster.delete(`/apis/node.k8s.io/v1/runtimeclasses/${classOf(scene)}`);
  }
});

scenario("what a SpinApp becomes is a plain Deployment", async (scene) => {
  await apply(scene, "spinkube", await scene.image("sleep"));
  await scene.kubectl("rollout", "status", "deployment/shop", "--timeout=60s");
});

scenario("a component that serves HTTP is refused, and told why", async (scene) => {
  const { image } = await pushArtifact(scene.registry, {
    repo: "migrating/component",
    // A component's own head: version 13, layer 1.
    wasm: Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0),
    layout: "wasm-to-oci",
  });
  const ref = await scene.pod({ name: "spin", containers: [{ image }] });
  const { status } = await waitEnded(scene.cluster, ref, "Failed");
  const events = await eventsOf(scene.cluster, ref);
  const said = JSON.stringify([status, events.map(({ message }) => message)]);
  assert.match(said, /UnsupportedImage|StartError/);
  assert.match(said, /component/);
});

/**
 * Applies the manifest of this mark with another image, on the scene's own node, and with a RuntimeClass of
 * its own: other tests use the same cluster.
 */
async function apply(scene: Scene, mark: string, image: string): Promise<void> {
  const page = await Deno.readTextFile(PAGE);
  const [, , manifest] = [...page.matchAll(AFTER)].find(([, name]) => name === mark) ?? [];
  assert.ok(manifest !== undefined, `docs/migrating.md has no manifest "${mark}"`);
  const { cluster, namespace, node } = scene;
  const host = (indent: string): string => `${indent}kubernetes.io/hostname: ${node.nodeName}\n`;
  const changes: readonly (readonly [RegExp, (match: string, indent: string) => string])[] = [
    [/image: registry\.example\.com\/\S+/, () => `image: ${image}`],
    [/^( +)kubernetes\.io\/arch: wasm32-wasi\n/m, (line, indent) => line + host(indent)],
  ];
  const input = changes.reduce((text, [pattern, change]) => {
    assert.match(text, pattern);
    return text.replace(pattern, change);
  }, manifest).replaceAll(/(name|runtimeClassName): krustlet$/gm, `$1: ${classOf(scene)}`);
  await cluster.kubectl(["apply", "-n", namespace, "-f", "-"], { input });
}

function classOf({ namespace }: Scene): string {
  return `krustlet-${namespace}`;
}
