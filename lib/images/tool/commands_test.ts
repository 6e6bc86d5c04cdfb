import assert from "node:assert/strict";
import { join } from "node:path";
import { type ErrorCode, isKubeletError } from "../../errors.ts";
import { digestOf, moduleOf } from "../oci/_test_registry.ts";
import { program, TERMS, type ToolScene, withScene } from "./_world.ts";
import { runInspect, runPull, runPush } from "./commands.ts";
import { inspectImage } from "./inspect.ts";
import { pullImage } from "./pull.ts";
import { pushImage, type PushRequest } from "./push.ts";

function request(scene: ToolScene, path: string, more: Partial<PushRequest> = {}): PushRequest {
  return {
    path,
    image: `${scene.registry.host}/team/app:v1`,
    tags: [],
    format: "oci",
    module: undefined,
    annotations: {},
    createdMs: undefined,
    settings: scene.settings(),
    ...more,
  };
}

async function refused(deed: Promise<unknown>, code: ErrorCode, message: RegExp): Promise<void> {
  await assert.rejects(deed, (error) => {
    assert.ok(isKubeletError(error, code), String(error));
    assert.match(error.message, message);
    return true;
  });
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

Deno.test("pushImage() publishes a folder that pullImage() brings back, file by file", async () => {
  await withScene({}, async (scene) => {
    await scene.file("site/app.wasm", program());
    await scene.file("site/www/index.html", text("page"));
    await scene.file("site/empty", text(""));
    await scene.file("site/.env", text("SECRET=1"));
    const image = `${scene.registry.host}/team/app:v1`;
    const pushed = await pushImage(request(scene, join(scene.dir, "site")), scene.world);
    assert.deepEqual(pushed.layers.map(({ title, how }) => [title, how]), [
      ["app.wasm", "sent"],
      ["empty", "sent"],
      ["www/index.html", "sent"],
    ]);
    assert.match(scene.printed().stderr, /^Left out, for the dot in front: \.env$/m);

    const output = join(scene.dir, "out");
    const settings = scene.settings();
    const pulled = await pullImage({ image, output, settings }, scene.world);
    assert.equal(pulled.pinned, pushed.pinned);
    assert.deepEqual(pulled.written, [output]);
    assert.deepEqual(await Deno.readFile(join(output, "app.wasm")), program());
    assert.equal(await Deno.readTextFile(join(output, "www/index.html")), "page");
    assert.equal(await Deno.readTextFile(join(output, "empty")), "");
    await refused(pullImage({ image, output, settings }, scene.world), "invalid", /is not empty/);
    const file = join(output, "app.wasm");
    await refused(
      pullImage({ image, output: file, settings }, scene.world),
      "invalid",
      /holds several files; give a folder/,
    );
  });
});

Deno.test("pushImage() makes the same digest of the same files, at another time and place", async () => {
  await withScene({}, async (scene) => {
    const digests: string[] = [];
    for (const place of ["here", "there"]) {
      // In another order, too.
      const names = place === "here" ? ["app.wasm", "b", "a"] : ["a", "app.wasm", "b"];
      for (const name of names) {
        await scene.file(`${place}/${name}`, name === "app.wasm" ? program() : text(name));
        await Deno.utime(join(scene.dir, place, name), 1, names.length);
      }
      const { digest } = await pushImage(request(scene, join(scene.dir, place)), scene.world);
      digests.push(digest);
    }
    assert.equal(digests[0], digests[1]);
    const later = await pushImage(
      request(scene, join(scene.dir, "here"), { createdMs: 1_700_000_000_000 }),
      scene.world,
    );
    assert.notEqual(later.digest, digests[0]);
  });
});

Deno.test("pushImage() puts one manifest under every tag, each once", async () => {
  await withScene({}, async (scene) => {
    const path = await scene.file("app.wasm", program());
    const tags = ["v1", "latest", "1.0", "latest"];
    const { images, digest } = await pushImage(request(scene, path, { tags }), scene.world);
    assert.deepEqual(images.map((image) => image.split(":").at(-1)), ["v1", "latest", "1.0"]);
    for (const tag of ["v1", "latest", "1.0"]) {
      const { bytes } = scene.registry.manifests.get(`team/app ${tag}`)!;
      assert.equal(digestOf(bytes), digest);
    }
  });
});

Deno.test("pushImage() says when the registry has a layer already, and what would not run", async () => {
  await withScene({}, async (scene) => {
    const path = await scene.file("app.wasm", program("wasi_nn", "load"));
    await pushImage(request(scene, path), scene.world);
    assert.match(
      scene.printed().stderr,
      /^This node would not run it: it imports "wasi_nn\.load", which this node does not offer/m,
    );
    await runPush(request(scene, path), scene.world);
    const { stdout, stderr } = scene.printed();
    assert.match(stderr, /^app\.wasm {2}\d+ B {2}already there$/m);
    assert.match(stdout, /^127\.0\.0\.1:\d+\/team\/app@sha256:[0-9a-f]{64}\n$/);
  });
});

Deno.test("pushImage() refuses what is no module and names that are none, before it asks", async () => {
  await withScene({}, async (scene) => {
    const path = await scene.file("app.wasm", program());
    const script = await scene.file("run.sh", text("#!/bin/sh\n"));
    await scene.file("both/app.wasm", program());
    await scene.file("both/data", text("x"));
    const { host } = scene.registry;
    const table: [PushRequest, ErrorCode, RegExp][] = [
      [request(scene, script), "invalid", /run\.sh": it is not a WebAssembly module: it begins/],
      [request(scene, path, { image: "No/Such" }), "invalid", /must be lower case/],
      [
        request(scene, path, { image: `${host}/a@sha256:${"0".repeat(64)}` }),
        "invalid",
        /a digest follows from the content/,
      ],
      [request(scene, path, { tags: ["-x"] }), "invalid", /Cannot use --tag "-x"/],
      [
        request(scene, join(scene.dir, "both"), { format: "wasm-to-oci" }),
        "invalid",
        /no room for the files beside/,
      ],
    ];
    for (const [wanted, code, message] of table) {
      await refused(pushImage(wanted, scene.world), code, message);
    }
    assert.deepEqual(scene.registry.seen, []);
  });
});

Deno.test("the commands log in with Docker's configuration, and say what to do without", async () => {
  const auth = { kind: "basic", user: "ada", password: "engine" } as const;
  await withScene({ auth }, async (scene) => {
    const path = await scene.file("app.wasm", program());
    const { host } = scene.registry;
    const image = `${host}/team/app:v1`;
    const settings = scene.settings();
    const without =
      /Cannot push ".*app\.wasm" to "127.*: .*; put credentials for "127.*docker login/;
    await refused(pushImage(request(scene, path), scene.world), "image_pull", without);
    const config = { auths: { [host]: { auth: btoa("ada:engine") } } };
    await scene.file("docker/config.json", text(JSON.stringify(config)));
    const { digest } = await pushImage(request(scene, path), scene.world);
    const pulled = await pullImage({ image, output: undefined, settings }, scene.world);
    assert.ok(pulled.pinned.endsWith(digest));
    assert.equal((await inspectImage({ image, settings }, scene.world)).digest, digest);
    const wrong = { auths: { [host]: { auth: btoa("ada:loom") } } };
    await scene.file("docker/config.json", text(JSON.stringify(wrong)));
    await refused(
      inspectImage({ image, settings }, scene.world),
      "image_pull",
      /correct the credentials in Docker configuration/,
    );
    await refused(
      pullImage({ image, output: undefined, settings }, scene.world),
      "image_pull",
      /Cannot pull image .*correct the credentials in Docker configuration/,
    );
  });
});

Deno.test("pullImage() writes a module to a file, or into a folder under its name", async () => {
  await withScene({}, async (scene) => {
    const path = await scene.file("app.wasm", program());
    await pushImage(request(scene, path), scene.world);
    const image = `${scene.registry.host}/team/app:v1`;
    const settings = scene.settings();
    const pull = (output: string): Promise<{ written: readonly string[] }> =>
      pullImage({ image, output, settings }, scene.world);
    const file = join(scene.dir, "copy.wasm");
    await Deno.writeTextFile(file, "an older one");
    assert.deepEqual((await pull(file)).written, [file]);
    assert.deepEqual(await Deno.readFile(file), program());
    const folder = join(scene.dir, "new/");
    assert.deepEqual((await pull(folder)).written, [join(folder, "app.wasm")]);
    assert.deepEqual((await pull(scene.dir)).written, [path]);
    const names = await Array.fromAsync(Deno.readDir(scene.dir), ({ name }) => name);
    assert.deepEqual(names.sort(), ["app.wasm", "copy.wasm", "data", "new"]);
    const message = /Cannot write image "127.*" to ".*\/nowhere\/at\/all": /;
    await refused(pull(join(scene.dir, "nowhere/at/all")), "invalid", message);
  });
});

Deno.test("pullImage() is a node's pull: what a node refuses is not pulled", async () => {
  await withScene({}, async (scene) => {
    const { registry } = scene;
    const layer = { mediaType: "application/wasm", digest: `sha256:${"0".repeat(64)}` };
    registry.manifest("team/app", "v1", {
      schemaVersion: 2,
      config: registry.blob(text("{}"), "application/vnd.wasm.config.v0+json"),
      layers: [{ ...layer, size: TERMS.bytesMax + 1 }],
    });
    const image = `${registry.host}/team/app:v1`;
    const settings = scene.settings();
    const pull = pullImage({ image, output: undefined, settings }, scene.world);
    await refused(
      pull,
      "image_pull",
      /Cannot (pull|run) image .*more than \d+, the limit; make it smaller/,
    );
  });
});

Deno.test("inspectImage() tells what a published module is, and that it runs here", async () => {
  await withScene({}, async (scene) => {
    const path = await scene.file("app.wasm", program());
    const annotations = { "org.opencontainers.image.version": "1.2.0" };
    await pushImage(request(scene, path, { annotations }), scene.world);
    const image = `${scene.registry.host}/team/app:v1`;
    const report = await inspectImage({ image, settings: scene.settings() }, scene.world);
    const { digest, layers, module, ...rest } = report;
    assert.equal(module?.digest, digestOf(program()));
    assert.equal(module?.kind, "module");
    assert.equal(layers.length, 1);
    assert.match(digest, /^sha256:/);
    assert.deepEqual(rest, {
      image,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      layout: "wasm-artifact",
      platform: "wasip1/wasm",
      created: "1970-01-01T00:00:00Z",
      sizeBytes: program().length,
      imports: ["wasi_snapshot_preview1.fd_write"],
      exports: ["_start"],
      annotations: { "org.opencontainers.image.title": "app.wasm", ...annotations },
      runs: true,
    });
    const file = await inspectImage({ image: path, settings: scene.settings() }, scene.world);
    assert.deepEqual([file.layout, file.runs, file.digest], ["file", true, module?.digest]);
  });
});

Deno.test("inspectImage() tells why an image would not run, and does not fail over it", async () => {
  await withScene({}, async (scene) => {
    const { registry } = scene;
    const wasm = (bytes: Uint8Array, config = {}) => ({
      schemaVersion: 2,
      config: registry.blob(text(JSON.stringify(config)), "application/vnd.wasm.config.v0+json"),
      layers: [registry.blob(bytes, "application/wasm")],
    });
    const component = Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0);
    const library = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
    const missing = { mediaType: "application/wasm", digest: `sha256:${"1".repeat(64)}`, size: 9 };
    const linux = {
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      ...{ digest: `sha256:${"2".repeat(64)}`, size: 9 },
      platform: { os: "linux", architecture: "amd64" },
    };
    const arm = { ...linux, platform: { os: "linux", architecture: "arm64" } };
    const index = "application/vnd.oci.image.index.v1+json";
    const table: [string, object, RegExp, string?][] = [
      ["imports", wasm(program("wasi_nn", "load")), /it imports "wasi_nn\.load"/],
      ["component", wasm(component), /it is a component \(WASI 0\.2\)/],
      ["library", wasm(library), /does not export _start, so it is no program/],
      ["script", wasm(text("#!/bin/sh\n# not wasm")), /it is not a WebAssembly module/],
      ["native", wasm(program(), { architecture: "amd64" }), /precompiled code is not accepted/],
      ["missing", { ...wasm(program()), layers: [missing] }, /blob "sha256:1111/],
      ["index", { schemaVersion: 2, manifests: [linux, arm] }, /a Linux container image/, index],
    ];
    for (const [tag, manifest, reason, type] of table) {
      registry.manifest("team/app", tag, manifest, type);
      const image = `${registry.host}/team/app:${tag}`;
      const report = await inspectImage({ image, settings: scene.settings() }, scene.world);
      assert.equal(report.runs, false, tag);
      assert.match(report.reason ?? "", reason, tag);
    }
    const image = `${registry.host}/team/app:index`;
    const { platforms } = await inspectImage({ image, settings: scene.settings() }, scene.world);
    assert.deepEqual(platforms, ["linux/amd64", "linux/arm64"]);
  });
});

Deno.test("inspectImage() fetches of a large module only where its names are", async () => {
  await withScene({}, async (scene) => {
    const code = moduleOf(6 * 1024 * 1024).subarray(8);
    const head = program();
    // A section of its own, with a length of four bytes of LEB128.
    const length = [0, 7, 14, 21].map((shift, i) =>
      code.length >> shift & 0x7f | (i < 3 ? 0x80 : 0)
    );
    const large = new Uint8Array([...head, 0, ...length, ...code]);
    const path = await scene.file("large.wasm", large);
    await pushImage(request(scene, path), scene.world);
    scene.registry.seen.length = 0;
    const image = `${scene.registry.host}/team/app:v1`;
    const report = await inspectImage({ image, settings: scene.settings() }, scene.world);
    assert.deepEqual(report.exports, ["_start"]);
    const ranges = scene.registry.seen.flatMap(({ range }) => range ?? []);
    assert.deepEqual(ranges, ["bytes=0-262143"]);
  });
});

Deno.test("runInspect() prints for people what cannot move their cursor, and JSON for machines", async () => {
  await withScene({}, async (scene) => {
    const path = await scene.file("app.wasm", program());
    const annotations = { "dev.example.note": "\x1b[2Jgone\nRuns here: yes" };
    await pushImage(request(scene, path, { annotations }), scene.world);
    scene.printed();
    const image = `${scene.registry.host}/team/app:v1`;
    await runInspect({ image, settings: scene.settings() }, scene.world);
    const { stdout } = scene.printed();
    assert.match(stdout, /^Imports: {6}wasi_snapshot_preview1\.fd_write$/m);
    assert.match(stdout, /^Runs here: {4}yes\n$/m);
    assert.equal(stdout.match(/^Runs here:/gm)?.length, 1);
    assert.ok(!stdout.includes("\x1b"));
    await runInspect({ image, settings: scene.settings({ json: true }) }, scene.world);
    const report = JSON.parse(scene.printed().stdout);
    assert.equal(report.annotations["dev.example.note"], annotations["dev.example.note"]);
  });
});

Deno.test("the commands print only their result when quiet", async () => {
  await withScene({}, async (scene) => {
    const path = await scene.file("app.wasm", program());
    const settings = scene.settings({ quiet: true, json: true });
    await runPush(request(scene, path, { settings }), scene.world);
    const image = `${scene.registry.host}/team/app:v1`;
    const first = scene.printed();
    await runPull({ image, output: join(scene.dir, "a.wasm"), settings }, scene.world);
    const second = scene.printed();
    assert.deepEqual([first.stderr, second.stderr], ["", ""]);
    assert.equal(JSON.parse(first.stdout).digest, JSON.parse(second.stdout).pinned.split("@")[1]);
  });
});
