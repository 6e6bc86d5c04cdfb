import assert from "node:assert/strict";
import { join } from "node:path";
import { TestLayout } from "./layout/_test_layout.ts";
import { entry } from "./layout/_test_tar.ts";
import { digestOf, MODULE, moduleOf, names } from "./oci/_test_registry.ts";
import { OCI_INDEX, OCI_MANIFEST } from "./oci/media_types.ts";

import { CNCF_CONFIG, Fixture, json, TITLE } from "./_tree_fixture.ts";

Deno.test("ImageStore.ensure() unpacks an image of layers, and says how it is run", async () => {
  await using fixture = await Fixture.open();
  const run = {
    Entrypoint: ["/bin/app"],
    Cmd: ["-v"],
    Env: ["A=b"],
    WorkingDir: "/srv",
    StopSignal: "SIGKILL",
  };
  const digest = fixture.image(
    "app",
    { config: run },
    [entry.file("bin/app", MODULE), entry.file("old")],
    [entry.file(".wh.old"), entry.file("srv/data", "1")],
  );
  const found = await fixture.ensure("app");
  assert.equal(found.imageId, `${fixture.registry.host}/app@${digest}`);
  assert.equal(found.module, undefined);
  assert.equal(found.stopSignal, "SIGKILL");
  assert.deepEqual([found.entrypoint, found.cmd, found.imageEnv, found.workingDir], [
    ["/bin/app"],
    ["-v"],
    { A: "b" },
    "/srv",
  ]);
  const { tree } = found;
  assert.equal(tree?.readOnly, false);
  assert.deepEqual(tree?.index.modules.map(({ path }) => path), ["bin/app"]);
  assert.deepEqual(await Deno.readFile(join(tree!.path, "bin/app")), MODULE);
  assert.deepEqual(names(tree!.path).toSorted(), ["bin", "srv"]);
});

Deno.test("ImageStore.ensure() makes a damaged tree again without the registry", async () => {
  await using fixture = await Fixture.open();
  fixture.image("app", {}, [entry.file("app.wasm", MODULE)]);
  const { tree } = await fixture.ensure("app");
  fixture.registry.manifests.clear();
  await fixture.again();
  await Deno.truncate(join(tree!.path, "app.wasm"), 3);
  const again = await fixture.ensure("app", { policy: "Never" });
  assert.deepEqual(await Deno.readFile(join(again.tree!.path, "app.wasm")), MODULE);
});

Deno.test("ImageStore.ensure() finds the image for Wasm in an index within an index", async () => {
  await using fixture = await Fixture.open();
  const { registry } = fixture;
  const image = fixture.image("app", {}, [entry.file("app.wasm", MODULE)]);
  const descriptor = (digest: string, mediaType: string, platform?: object): object => ({
    mediaType,
    digest,
    size: 10,
    ...(platform && { platform }),
  });
  const nest = (depth: number): string => {
    let inner = descriptor(image, OCI_MANIFEST, { os: "wasi", architecture: "wasm" });
    for (let i = 0; i < depth; i++) {
      const manifests = i === 0 ? [descriptor(image, OCI_MANIFEST, linux), inner] : [inner];
      inner = descriptor(
        registry.manifest("app", `nested${depth}`, {
          schemaVersion: 2,
          mediaType: OCI_INDEX,
          manifests,
        }, OCI_INDEX),
        OCI_INDEX,
      );
    }
    return `${registry.host}/app:nested${depth}`;
  };
  const linux = { os: "linux", architecture: "amd64" };
  for (const depth of [1, 2]) assert.ok((await fixture.ensure(nest(depth))).tree);
  assert.match((await fixture.fails(nest(3))).message, /an index in an index, and not to an image/);
});

Deno.test("ImageStore.ensure() puts files beside a module into a read-only tree", async () => {
  await using fixture = await Fixture.open();
  const { registry } = fixture;
  const titled = (title: string): Record<string, unknown> => ({ annotations: { [TITLE]: title } });
  registry.manifest("site", "v1", {
    schemaVersion: 2,
    config: registry.blob(json({ architecture: "wasm", os: "wasip1" }), CNCF_CONFIG),
    layers: [
      registry.blob(MODULE, "application/wasm", titled("server.wasm")),
      registry.blob(new TextEncoder().encode("<p>"), "text/html", titled("www/index.html")),
    ],
  });
  const { module, moduleName, tree, sizeBytes } = await fixture.ensure("site");
  assert.equal(module?.digest, digestOf(MODULE));
  assert.equal(moduleName, "server.wasm");
  assert.equal(sizeBytes, MODULE.length + 3);
  assert.equal(tree?.readOnly, true);
  assert.equal(await Deno.readTextFile(join(tree!.path, "www/index.html")), "<p>");
});

Deno.test("ImageStore.ensure() refuses what the node cannot run before it fetches the module", async () => {
  await using fixture = await Fixture.open();
  const { registry } = fixture;
  const artifact = (name: string, config: object, size: number): string => {
    const module = moduleOf(size, name.length);
    registry.manifest(name, "v1", {
      schemaVersion: 2,
      config: registry.blob(json(config), CNCF_CONFIG),
      layers: [registry.blob(module, "application/wasm")],
    });
    return digestOf(module);
  };
  const component = { os: "wasip2", component: { imports: ["wasi:http/types@0.2.0"] } };
  const refused = [
    ["nn", artifact("nn", { imports: ["wasi_ephemeral_nn"] }, 50), /imports "wasi_ephemeral_nn"/],
    ["comp", artifact("comp", component, 60), /a component.*it imports "wasi:http\/types@0.2.0"/],
    ["large", artifact("large", {}, 1001), /has 1001 bytes, more than 1000, the limit; make/],
  ] as const;
  for (const [name, layer, message] of refused) {
    const error = await fixture.fails(name);
    assert.match(error.message, message);
    assert.equal(error.reason, name === "large" ? undefined : "UnsupportedImage");
    assert.deepEqual(registry.downloads(layer), []);
  }
});

Deno.test("ImageStore.ensure() refuses components and native code that no config tells of", async () => {
  await using fixture = await Fixture.open();
  const push = (name: string, bytes: Uint8Array): string => {
    fixture.registry.artifact(name, "v1", bytes);
    return name;
  };
  const component = push("component", Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0));
  assert.match((await fixture.fails(component)).message, /it is a component \(WASI 0.2\)/);
  const elf = push("elf", new TextEncoder().encode("\x7fELF\x02\x01\x01\0precompiled"));
  assert.match(
    (await fixture.fails(elf)).message,
    /not a WebAssembly module: it is native code \(ELF\).*cannot be confined.*push the \.wasm file/,
  );
});

Deno.test("ImageStore.ensure() leaves nothing of an image that must not be unpacked", async () => {
  await using fixture = await Fixture.open();
  fixture.image("evil", {}, [entry.file("app.wasm", MODULE), entry.file("../../evil")]);
  assert.match((await fixture.fails("evil")).message, /"..\/..\/evil" cannot be unpacked/);
  assert.deepEqual(names(join(fixture.dir.path, "store/trees")), []);
});

Deno.test("ImageStore.ensure() takes image layouts in folders and archives", async () => {
  await using fixture = await Fixture.open();
  const { registry, dir } = fixture;
  const digest = fixture.image("app", {}, [entry.file("app.wasm", MODULE)]);
  const layout = new TestLayout();
  const manifest = registry.manifests.get("app v1")!.bytes;
  for (const bytes of [manifest, ...registry.blobs.values()]) layout.blob(bytes, "");
  const annotations = { "org.opencontainers.image.ref.name": "v1" };
  const index = layout.index({ digest, annotations });
  const [folder, archive] = [join(dir.path, "layout"), join(dir.path, "x.tar")];
  await layout.writeFolder(folder);
  await layout.writeArchive(archive);
  const paths = ["oci:./layout", `oci:${folder}`, "oci-archive:./x.tar", `oci-archive:${archive}`];
  for (const image of [...paths, ...paths.map((path) => `${path}:v1`)]) {
    const found = await fixture.ensure(image);
    assert.equal(found.imageId, image.endsWith(":v1") ? digest : index);
    assert.deepEqual(await Deno.readFile(join(found.tree!.path, "app.wasm")), MODULE);
  }
  assert.match(
    (await fixture.fails("oci-archive:./x.tar:v2")).message,
    /"oci-archive:.\/x.tar:v2": ".*" has no image of the name "v2"; it has "v1"/,
  );
  assert.match((await fixture.fails("oci:./none")).message, /none" does not exist/);
});

Deno.test("ImageStore.ensure() takes nothing of a layout that is not what its digest says", async () => {
  await using fixture = await Fixture.open();
  const { dir } = fixture;
  for (const damaged of ["module", "manifest"] as const) {
    const layout = new TestLayout();
    const digest = layout.artifact(MODULE);
    layout.index({ digest });
    const name = `blobs/${(damaged === "module" ? digestOf(MODULE) : digest).replace(":", "/")}`;
    const bytes = layout.files.get(name)!;
    layout.files.set(name, bytes.with(bytes.length - 1, 0x20));
    await layout.writeFolder(join(dir.path, damaged));
    await layout.writeArchive(join(dir.path, `${damaged}.tar`));
    for (const image of [`oci:./${damaged}`, `oci-archive:./${damaged}.tar`]) {
      assert.match((await fixture.fails(image)).message, /digest mismatch: /);
    }
  }
});
