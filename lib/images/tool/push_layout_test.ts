import assert from "node:assert/strict";
import { join } from "node:path";
import { isKubeletError } from "../../errors.ts";
import { type Named, TestLayout } from "../layout/_test_layout.ts";
import { OCI_INDEX } from "../oci/media_types.ts";
import { digestOf } from "../oci/reading.ts";
import { program, type ToolScene, withScene } from "./_world.ts";
import { inspectImage } from "./inspect.ts";
import { pushImage, type PushReport, type PushRequest } from "./push.ts";

const REF_NAME = "org.opencontainers.image.ref.name";
const named = (digest: string, name: string): Named => ({
  digest,
  annotations: { [REF_NAME]: name },
});

async function push(
  { registry, settings, world }: ToolScene,
  path: string,
  more: Partial<PushRequest> = {},
): Promise<PushReport> {
  return await pushImage({
    path,
    image: `${registry.host}/team/app:v1`,
    tags: [],
    format: "oci",
    module: undefined,
    annotations: {},
    createdMs: undefined,
    settings: settings(),
    ...more,
  }, world);
}

Deno.test("pushImage() pushes an image of a layout with the digest that it has", async () => {
  await withScene({}, async (scene) => {
    const { dir, registry, settings, world } = scene;
    const layout = new TestLayout();
    const other = layout.artifact(program("wasi_nn", "load"));
    const digest = layout.artifact(program());
    layout.index(named(other, "other"), named(digest, "v1"));
    await layout.writeFolder(join(dir, "layout"));
    await layout.writeArchive(join(dir, "x.tar"));
    for (const path of [`oci:${dir}/layout:v1`, `oci-archive:${dir}/x.tar:v1`]) {
      registry.blobs.clear();
      registry.manifests.clear();
      const pushed = await push(scene, path, { tags: ["latest"] });
      assert.equal(pushed.digest, digest);
      assert.deepEqual(pushed.layers.map(({ how }) => how), ["sent"]);
      const tags = [...registry.manifests.keys()].filter((key) => !key.includes(":"));
      assert.deepEqual(tags, ["team/app v1", "team/app latest"]);
      const image = `${registry.host}/team/app:v1`;
      const report = await inspectImage({ image, settings: settings() }, world);
      assert.deepEqual([report.digest, report.runs], [digest, true]);
      assert.equal(registry.blobs.has(digestOf(program("wasi_nn", "load"))), false);
    }
  });
});

Deno.test("pushImage() pushes the only image of a layout as it is, and several as an index", async () => {
  await withScene({}, async (scene) => {
    const { dir, registry } = scene;
    const layout = new TestLayout();
    const digest = layout.artifact(program());
    layout.index({ digest });
    await layout.writeArchive(join(dir, "x.tar"));
    assert.equal((await push(scene, `oci-archive:${dir}/x.tar`)).digest, digest);
    const index = layout.index({ digest }, { digest: layout.artifact(program("wasi_nn", "a")) });
    await layout.writeArchive(join(dir, "x.tar"));
    assert.equal((await push(scene, `oci-archive:${dir}/x.tar`)).digest, index);
    assert.equal(registry.manifests.get("team/app v1")?.type, OCI_INDEX);
    assert.match(scene.printed().stderr, /^This node would not run it: /m);
    for (const wanted of [digest, index]) {
      assert.ok(registry.manifests.has(`team/app ${wanted}`));
    }
  });
});

Deno.test("pushImage() says what is wrong with a layout, and puts no tag on half of it", async () => {
  await withScene({}, async (scene) => {
    const { dir, registry } = scene;
    const layout = new TestLayout();
    layout.index({ digest: layout.artifact(program()) });
    await layout.writeArchive(join(dir, "x.tar"));
    layout.files.set(`blobs/${digestOf(program()).replace(":", "/")}`, program().subarray(1));
    await layout.writeArchive(join(dir, "short.tar"));
    const table: [string, Partial<PushRequest>, RegExp][] = [
      ["x.tar", { annotations: { a: "b" } }, /an image layout is pushed as it is; leave --format,/],
      ["x.tar", { format: "wasm-to-oci" }, /pushed as it is/],
      ["x.tar", { module: "app.wasm" }, /pushed as it is/],
      ["x.tar:v2", {}, /no image of the name "v2"; it has no names/],
      ["none.tar", {}, /none\.tar" does not exist/],
      ["short.tar", {}, /Cannot push ".*short\.tar" to .* has \d+ bytes instead of \d+/],
    ];
    for (const [file, more, message] of table) {
      await assert.rejects(push(scene, `oci-archive:${dir}/${file}`, more), (error) => {
        assert.ok(isKubeletError(error, file === "short.tar" ? "image_pull" : "invalid"));
        assert.match(error.message, message);
        return true;
      });
    }
    assert.deepEqual([...registry.manifests.keys()], []);
  });
});
