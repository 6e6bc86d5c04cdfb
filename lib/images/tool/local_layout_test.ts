import assert from "node:assert/strict";
import { join } from "node:path";
import { isKubeletError } from "../../errors.ts";
import { TestLayout } from "../layout/_test_layout.ts";
import { entry, layerOf } from "../layout/_test_tar.ts";
import { digestOf } from "../oci/reading.ts";
import { program, withScene } from "./_world.ts";
import { inspectImage } from "./inspect.ts";

const REF_NAME = "org.opencontainers.image.ref.name";

/** A layout of one artifact with a name, and what it is made of. */
function artifact(module = program()): { layout: TestLayout; digest: string; index: string } {
  const layout = new TestLayout();
  const digest = layout.artifact(module);
  return { layout, digest, index: layout.index({ digest, annotations: { [REF_NAME]: "v1" } }) };
}

Deno.test("inspectImage() tells what is in a folder and in an archive, without a registry", async () => {
  await withScene({}, async ({ dir, registry, settings, world }) => {
    const { layout, digest, index } = artifact();
    await layout.writeFolder(join(dir, "layout"));
    await layout.writeArchive(join(dir, "x.tar"));
    for (const image of [`oci:${dir}/layout`, `oci-archive:${dir}/x.tar`]) {
      const named = await inspectImage({ image: `${image}:v1`, settings: settings() }, world);
      const { layers, ...rest } = named;
      assert.equal(layers.length, 1);
      assert.deepEqual(rest, {
        image: `${image}:v1`,
        digest,
        mediaType: "application/vnd.oci.image.manifest.v1+json",
        layout: "wasm-artifact",
        platform: "wasip1/wasm",
        sizeBytes: program().length,
        module: { digest: digestOf(program()), sizeBytes: program().length, kind: "module" },
        imports: ["wasi_snapshot_preview1.fd_write"],
        exports: ["_start"],
        annotations: {},
        runs: true,
      });
      const whole = await inspectImage({ image, settings: settings() }, world);
      assert.deepEqual([whole.digest, whole.platforms, whole.runs], [index, ["none"], true]);
    }
    assert.deepEqual(registry.seen, []);
  });
});

Deno.test("inspectImage() takes a layout whose path does not begin as one, if it is there", async () => {
  await withScene({}, async ({ dir, settings, world }) => {
    const { layout, digest } = artifact();
    await layout.writeArchive(join(dir, "x.tar"));
    const before = Deno.cwd();
    Deno.chdir(dir);
    try {
      const image = "oci-archive:x.tar:v1";
      assert.equal((await inspectImage({ image, settings: settings() }, world)).digest, digest);
    } finally {
      Deno.chdir(before);
    }
  });
});

Deno.test("inspectImage() knows a container image in an archive", async () => {
  await withScene({}, async ({ dir, settings, world }) => {
    const layout = new TestLayout();
    const { bytes, diffId } = layerOf(entry.file("app.wasm", program()));
    const config = new TextEncoder().encode(JSON.stringify({
      ...{ os: "wasip1", architecture: "wasm", config: { Entrypoint: ["app.wasm"] } },
      rootfs: { type: "layers", diff_ids: [diffId] },
    }));
    const type = "application/vnd.oci.image.";
    const manifest = new TextEncoder().encode(JSON.stringify({
      schemaVersion: 2,
      mediaType: `${type}manifest.v1+json`,
      config: layout.blob(config, `${type}config.v1+json`),
      layers: [layout.blob(bytes, `${type}layer.v1.tar+gzip`)],
    }));
    const { digest } = layout.blob(manifest, `${type}manifest.v1+json`);
    layout.index({ digest });
    await layout.writeArchive(join(dir, "x.tar"));
    const image = `oci-archive:${dir}/x.tar`;
    const report = await inspectImage({ image, settings: settings() }, world);
    assert.deepEqual([report.layout, report.runs], ["container-image", true]);
    assert.deepEqual(report.entrypoint, ["app.wasm"]);
  });
});

Deno.test("inspectImage() tells why an image in a layout would not run", async () => {
  await withScene({}, async ({ dir, settings, world }) => {
    const { layout } = artifact(program("wasi_nn", "load"));
    await layout.writeArchive(join(dir, "nn.tar"));
    const damaged = artifact().layout;
    const name = `blobs/${digestOf(program()).replace(":", "/")}`;
    damaged.files.set(name, damaged.files.get(name)!.with(20, 7));
    await damaged.writeArchive(join(dir, "damaged.tar"));
    damaged.files.set(name, program().subarray(1));
    await damaged.writeArchive(join(dir, "short.tar"));
    damaged.files.delete(name);
    await damaged.writeArchive(join(dir, "missing.tar"));
    const table: Readonly<Record<string, RegExp>> = {
      nn: /it imports "wasi_nn\.load"/,
      damaged: /^digest mismatch: "blobs\/sha256\/.* has digest sha256:/,
      short: /has \d+ bytes, and its manifest says \d+/,
      missing: /has no "blobs\/sha256\/[0-9a-f]{64}"; write the archive again/,
    };
    for (const [file, reason] of Object.entries(table)) {
      const image = `oci-archive:${dir}/${file}.tar`;
      const report = await inspectImage({ image, settings: settings() }, world);
      assert.equal(report.runs, false);
      assert.match(report.reason ?? "", reason);
    }
  });
});

Deno.test("inspectImage() fails for a layout that cannot be read", async () => {
  await withScene({}, async ({ dir, settings, world }) => {
    await Deno.writeTextFile(join(dir, "x.tar"), "x".repeat(600));
    const table: Readonly<Record<string, RegExp>> = {
      [`oci-archive:${dir}/x.tar`]:
        /^Cannot inspect "oci-archive:.*": ".*" is no sound tar archive/,
      [`oci-archive:${dir}/none.tar`]: /none\.tar" does not exist$/,
      [`oci:${dir}/x.tar`]: /is no folder; for an archive write oci-archive:/,
    };
    for (const [image, message] of Object.entries(table)) {
      await assert.rejects(inspectImage({ image, settings: settings() }, world), (error) => {
        assert.ok(isKubeletError(error, "invalid"), String(error));
        assert.match(error.message, message);
        return true;
      });
    }
  });
});
