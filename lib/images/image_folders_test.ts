import assert from "node:assert/strict";
import { join } from "node:path";
import { Fixture, json, OCI_CONFIG, TAR_GZIP, TITLE } from "./_tree_fixture.ts";
import { entry } from "./layout/_test_tar.ts";
import { MODULE, names } from "./oci/_test_registry.ts";
import { OCI_INDEX, OCI_MANIFEST } from "./oci/media_types.ts";

const LINUX = { os: "linux", architecture: "amd64" };

Deno.test("ImageStore.folder() unpacks an image whatever it was made to run on", async () => {
  await using fixture = await Fixture.open();
  const digest = fixture.image(
    "kitten",
    LINUX,
    [entry.file("data.json", "{}"), entry.file("old")],
    [entry.file(".wh.old"), entry.file("etc/os-release", "Alpine")],
  );
  const { path, imageId, pulled } = await fixture.folder("kitten");
  assert.equal(imageId, `${fixture.registry.host}/kitten@${digest}`);
  assert.equal(pulled, true);
  assert.deepEqual(names(path).toSorted(), ["data.json", "etc"]);
  assert.equal(await Deno.readTextFile(join(path, "etc/os-release")), "Alpine");
  await fixture.fails("kitten"); // it is still nothing to run
});

Deno.test("ImageStore.folder() and ensure() keep what each needs of the same image", async () => {
  await using fixture = await Fixture.open();
  const { registry } = fixture;
  registry.artifact("tool", "v1", MODULE);
  const run = await fixture.ensure("tool");
  const volume = await fixture.folder("tool");
  assert.equal(volume.imageId, run.imageId);
  assert.deepEqual(names(volume.path), ["app.wasm"]);
  registry.manifests.clear();
  await fixture.again();
  assert.deepEqual((await fixture.ensure("tool", { policy: "Never" })).module, run.module);
  assert.equal((await fixture.folder("tool", { policy: "Never" })).path, volume.path);
  assert.equal((await fixture.folder("tool", { policy: "Never" })).pulled, false);
});

Deno.test("ImageStore.folder() makes a file of each layer of an artifact", async () => {
  await using fixture = await Fixture.open();
  const { registry } = fixture;
  registry.manifest("model", "v1", {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: registry.blob(json({}), "application/vnd.oci.empty.v1+json"),
    layers: [
      registry.blob(json([1]), "text/plain", { annotations: { [TITLE]: "weights/a.bin" } }),
      registry.blob(json([2]), "text/plain"),
    ],
  });
  const { path } = await fixture.folder("model");
  assert.equal(await Deno.readTextFile(join(path, "weights/a.bin")), "[1]");
  const [unnamed = ""] = names(path).filter((name) => name !== "weights");
  assert.match(unnamed, /^[0-9a-f]{64}$/);
  assert.equal(await Deno.readTextFile(join(path, unnamed)), "[2]");
});

Deno.test("ImageStore.folder() takes of an index the image for Wasm, else this machine's", async () => {
  await using fixture = await Fixture.open();
  const { registry } = fixture;
  const architecture = Deno.build.arch === "x86_64" ? "amd64" : "arm64";
  const entryOf = (digest: string, platform: object): object => ({
    mediaType: OCI_MANIFEST,
    digest,
    size: 10,
    platform,
  });
  const linux = fixture.image("app", LINUX, [entry.file("linux")]);
  const wasm = fixture.image("app", {}, [entry.file("app.wasm", MODULE)]);
  const other = entryOf(linux, { os: "linux", architecture: "s390x" });
  const own = entryOf(linux, { os: "linux", architecture });
  const forWasm = entryOf(wasm, { os: "wasi", architecture: "wasm" });
  const push = (tag: string, manifests: object[]): string => {
    registry.manifest("app", tag, { schemaVersion: 2, mediaType: OCI_INDEX, manifests }, OCI_INDEX);
    return `${registry.host}/app:${tag}`;
  };
  const own2 = await fixture.folder(push("linux", [other, own]));
  assert.deepEqual(names(own2.path), ["linux"]);
  const both = await fixture.folder(push("both", [other, own, forWasm]));
  assert.deepEqual(names(both.path), ["app.wasm"]);
  await assert.rejects(fixture.folder(push("none", [other, other])), {
    code: "image_pull",
    reason: "UnsupportedImage",
  });
});

Deno.test("ImageStore.folder() refuses what must not be unpacked, and a single local file", async () => {
  await using fixture = await Fixture.open();
  const { registry } = fixture;
  registry.manifest("unchecked", "v1", {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: registry.blob(json({ ...LINUX, rootfs: { diff_ids: [] } }), OCI_CONFIG),
    layers: [registry.blob(json([1]), TAR_GZIP)],
  });
  await assert.rejects(fixture.folder("unchecked"), {
    code: "image_pull",
    message: /cannot be checked/,
  });
  await Deno.writeFile(join(fixture.dir.path, "a.wasm"), MODULE);
  await assert.rejects(fixture.folder("file:./a.wasm"), { message: /a single file is no volume/ });
});
