import assert from "node:assert/strict";
import fc from "fast-check";
import { PullFailure } from "../oci/failure.ts";
import {
  chooseManifest,
  chooseModule,
  type Manifest,
  parseImageConfig,
  parseManifest,
  unsupported,
  UnsupportedImage,
} from "./manifest.ts";
import { DOCKER_INDEX, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from "../oci/media_types.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;
const WASM = "application/wasm";
const LEGACY = "application/vnd.wasm.content.layer.v1+wasm";
const TAR = "application/vnd.oci.image.layer.v1.tar+gzip";

function descriptor(mediaType: string, more: object = {}): object {
  return { mediaType, digest: DIGEST, size: 10, ...more };
}

function parse(body: unknown, contentType = ""): Manifest {
  return parseManifest(new TextEncoder().encode(JSON.stringify(body)), contentType);
}

function image(config: string, ...layers: object[]): Extract<Manifest, { kind: "image" }> {
  const manifest = parse({ schemaVersion: 2, config: descriptor(config), layers });
  assert.ok(manifest.kind === "image");
  return manifest;
}

function index(...platforms: (string | undefined)[]): Extract<Manifest, { kind: "index" }> {
  const manifests = platforms.map((platform, i) => {
    const [os, architecture] = platform?.split("/") ?? [];
    return descriptor(OCI_MANIFEST, { size: i, ...(os ? { platform: { os, architecture } } : {}) });
  });
  const manifest = parse({ schemaVersion: 2, mediaType: OCI_INDEX, manifests });
  assert.ok(manifest.kind === "index");
  return manifest;
}

function failureOf(work: () => unknown): PullFailure {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof PullFailure, String(error));
    return error;
  }
  assert.fail("it worked");
}

Deno.test("parseManifest() knows a manifest by its own type, the header's, or its shape", () => {
  const body = { schemaVersion: 2, config: descriptor("c"), layers: [] };
  assert.equal(parse(body).kind, "image");
  assert.equal(parse(body, "text/plain").kind, "image");
  for (const type of [OCI_MANIFEST, DOCKER_MANIFEST]) {
    assert.equal(parse(body, type).kind, "image");
    assert.equal(parse({ ...body, mediaType: type }, "application/json").kind, "image");
  }
  for (const type of [OCI_INDEX, DOCKER_INDEX]) {
    assert.equal(parse({ schemaVersion: 2, manifests: [] }, type).kind, "index");
    assert.equal(parse({ mediaType: type, manifests: [] }).kind, "index");
  }
  assert.equal(
    parse({ schemaVersion: 2, manifests: null, layers: [], config: descriptor("c") }).kind,
    "image",
  );
});

const BROKEN: readonly (readonly [name: string, body: unknown, message: RegExp])[] = [
  ["schema 1", { schemaVersion: 1, fsLayers: [] }, /manifest of type "unknown"/],
  ["another type", { mediaType: "application/x" }, /manifest of type "application\/x".*push it as/],
  ["a list", [], /not a JSON object/],
  ["no config", { schemaVersion: 2, layers: [] }, /config has no mediaType or no digest/],
  [
    "layers of no list",
    { mediaType: OCI_MANIFEST, config: descriptor("c"), layers: {} },
    /"layers"/,
  ],
  [
    "a bad digest",
    { schemaVersion: 2, config: descriptor("c", { digest: "sha256:../../x" }), layers: [] },
    /"sha256:..\/..\/x" of config is not a digest/,
  ],
  [
    "a negative size",
    { schemaVersion: 2, config: descriptor("c"), layers: [descriptor("l", { size: -1 })] },
    /entry 0 has no size/,
  ],
];

for (const [name, body, message] of BROKEN) {
  Deno.test(`parseManifest() refuses ${name}`, () => {
    assert.match(failureOf(() => parse(body)).message, message);
  });
}

Deno.test("parseManifest() and parseImageConfig() of any bytes end with a PullFailure or a value", () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.json().map((text) => new TextEncoder().encode(text)),
    fc.record({
      schemaVersion: fc.constantFrom(1, 2),
      mediaType: fc.constantFrom(undefined, OCI_INDEX, OCI_MANIFEST),
      config: fc.oneof(fc.jsonValue(), fc.constant(descriptor("c"))),
      layers: fc.oneof(fc.jsonValue(), fc.array(fc.constant(descriptor(WASM)))),
      manifests: fc.jsonValue(),
    }).map((body) => new TextEncoder().encode(JSON.stringify(body))),
  );
  fc.assert(
    fc.property(bytes, (bytes) => {
      for (const read of [(b: Uint8Array) => parseManifest(b, ""), parseImageConfig]) {
        try {
          read(bytes);
        } catch (error) {
          assert.ok(error instanceof PullFailure, String(error));
        }
      }
    }),
    { numRuns: 1000 },
  );
});

Deno.test("chooseManifest() prefers wasip1 and takes what names no platform only if it is alone", () => {
  const sizeOf = (...platforms: (string | undefined)[]): number =>
    chooseManifest(index(...platforms).manifests).size;
  assert.equal(sizeOf("linux/amd64", "wasi/wasm", "wasip1/wasm"), 2);
  assert.equal(sizeOf("linux/amd64", "wasi/wasm"), 1);
  assert.equal(sizeOf("wasip2/wasm"), 0);
  assert.equal(sizeOf(undefined), 0);
  assert.equal(sizeOf("unknown/unknown", undefined), 1);
  assert.throws(() => sizeOf(undefined, undefined), UnsupportedImage);
});

Deno.test("chooseManifest() names the platforms of an image for container runtimes", () => {
  const failure = failureOf(() =>
    chooseManifest(index("linux/amd64", "linux/arm64", "unknown/unknown").manifests)
  );
  assert.ok(failure instanceof UnsupportedImage);
  assert.match(
    failure.message,
    /^it is a Linux container image \(linux\/amd64, linux\/arm64\): this node runs WebAssembly only/,
  );
  assert.match(
    failureOf(() => chooseManifest(index("windows/amd64").manifests)).message,
    /a Windows container image/,
  );
});

const LAYOUTS: readonly (readonly [name: string, config: string, layer: string])[] = [
  ["wasm-to-oci", "application/vnd.wasm.config.v1+json", LEGACY],
  ["the CNCF", "application/vnd.wasm.config.v0+json", WASM],
  ["oras without a config", "application/vnd.oci.empty.v1+json", WASM],
  ["runwasi", "application/vnd.oci.image.config.v1+json", WASM],
];

for (const [name, config, layer] of LAYOUTS) {
  Deno.test(`chooseModule() finds the module as packed by ${name}`, () => {
    const chosen = chooseModule(image(config, descriptor("text/plain"), descriptor(layer)));
    assert.equal(chosen?.module.mediaType, layer);
    assert.equal(chosen?.hasImageConfig, name === "runwasi");
  });
}

Deno.test("chooseModule() takes the file name of a title, and no path", () => {
  const titled = (title: unknown): string | undefined => {
    const annotations = { "org.opencontainers.image.title": title };
    return chooseModule(image("c", descriptor(WASM, { annotations })))?.title;
  };
  assert.equal(titled("app.wasm"), "app.wasm");
  assert.equal(titled("/build/../out/app.wasm"), "app.wasm");
  assert.equal(titled("C:\\out\\app.wasm"), "app.wasm");
  for (const bad of ["", "..", "a/..", "dir/", 7, null, "\u0000"]) {
    assert.equal(titled(bad), undefined);
  }
});

Deno.test("chooseModule() says what was found where there is no module", () => {
  const chart = image("application/vnd.cncf.helm.config.v1+json", descriptor("application/x.tar"));
  assert.match(
    failureOf(() => chooseModule(chart)).message,
    /no WebAssembly module: its layers are of type "application\/x.tar" and its config of type "application\/vnd.cncf.helm.config.v1\+json"; push a module as a layer of type "application\/wasm"/,
  );
  assert.match(failureOf(() => chooseModule(image("c"))).message, /it has no layers/);
  const big = image("c", descriptor(WASM, { size: 2 ** 31 }));
  assert.match(failureOf(() => chooseModule(big)).message, /2147483648 bytes; .* up to 1073741824/);
});

Deno.test("chooseModule() leaves an image of trees to its config", () => {
  assert.equal(
    chooseModule(image("application/vnd.oci.image.config.v1+json", descriptor(TAR))),
    undefined,
  );
});

Deno.test("parseImageConfig() reads platform, entrypoint and env", () => {
  const read = (body: object): unknown =>
    parseImageConfig(new TextEncoder().encode(JSON.stringify(body)));
  const config = { Entrypoint: ["/app.wasm"], Cmd: ["-v"], Env: ["A=1", "B=x=y", "=bad", "none"] };
  assert.deepEqual(read({ os: "wasip1", architecture: "wasm", config }), {
    platform: "wasip1/wasm",
    entrypoint: ["/app.wasm"],
    cmd: ["-v"],
    env: { A: "1", B: "x=y" },
  });
  assert.deepEqual(read({ config: { Entrypoint: null } }), { platform: "unknown/unknown" });
});

Deno.test("unsupported() does not call a Wasm image in tar layers a Linux one", () => {
  assert.match(
    unsupported(["wasip1/wasm"]).message,
    /WebAssembly image packed as file-system layers/,
  );
  assert.match(unsupported(["linux/amd64"]).message, /a Linux container image \(linux\/amd64\)/);
});
