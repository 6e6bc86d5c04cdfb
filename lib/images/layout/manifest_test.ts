import assert from "node:assert/strict";
import { PullFailure } from "../oci/failure.ts";
import { chooseManifest, type Manifest, parseManifest } from "./manifest.ts";
import { UnsupportedImage } from "./unsupported.ts";
import { DOCKER_INDEX, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from "../oci/media_types.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;
const WASM = "application/wasm";

function descriptor(mediaType: string, more: object = {}): object {
  return { mediaType, digest: DIGEST, size: 10, ...more };
}

function parse(body: unknown, contentType = ""): Manifest {
  return parseManifest(new TextEncoder().encode(JSON.stringify(body)), contentType);
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
  [
    "an index that is a manifest too",
    {
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: [descriptor(OCI_MANIFEST)],
      layers: [descriptor(WASM)],
    },
    /it is an index and a manifest at once/,
  ],
  [
    "a manifest that is an index too",
    {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      manifests: [descriptor(OCI_MANIFEST)],
      config: descriptor("c"),
      layers: [],
    },
    /it is an index and a manifest at once/,
  ],
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

Deno.test("chooseManifest() prefers wasip1, and takes another entry only if it is alone", () => {
  const sizeOf = (...platforms: (string | undefined)[]): number =>
    chooseManifest(index(...platforms).manifests).size;
  assert.equal(sizeOf("linux/amd64", "wasi/wasm", "wasip1/wasm"), 2);
  assert.equal(sizeOf("linux/amd64", "wasi/wasm"), 1);
  assert.equal(sizeOf("wasip2/wasm"), 0);
  assert.equal(sizeOf(undefined), 0);
  assert.equal(sizeOf("unknown/unknown", undefined), 1);
  assert.equal(sizeOf("linux/amd64", "unknown/unknown"), 0);
  assert.throws(() => sizeOf(undefined, undefined), UnsupportedImage);
  assert.throws(() => sizeOf(), /its index names no image/);
  assert.throws(() => sizeOf("unknown/unknown"), /its index names no image/);
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
    failureOf(() => chooseManifest(index("windows/amd64", "windows/arm64").manifests)).message,
    /a Windows container image/,
  );
});
