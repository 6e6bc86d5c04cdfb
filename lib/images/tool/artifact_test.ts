import assert from "node:assert/strict";
import { parseManifest } from "../layout/manifest.ts";
import { parseWasmConfig } from "../layout/wasm_config.ts";
import { digestOf } from "../oci/reading.ts";
import { artifactConfig, artifactManifest, type ArtifactParts } from "./artifact.ts";

const MODULE = { title: "app.wasm", digest: `sha256:${"a".repeat(64)}`, size: 10 };
const PAGE = { title: "www/index.html", digest: `sha256:${"b".repeat(64)}`, size: 4 };
const PARTS: ArtifactParts = {
  format: "oci",
  module: MODULE,
  survey: { kind: "module", imports: ["wasi_snapshot_preview1.fd_write"], exports: ["_start"] },
  files: [PAGE],
  annotations: {},
  createdMs: undefined,
};

function json(bytes: Uint8Array): Record<string, unknown> {
  return JSON.parse(new TextDecoder().decode(bytes));
}

function manifestOf(parts: ArtifactParts): Uint8Array {
  const { mediaType, bytes } = artifactConfig(parts);
  return artifactManifest(parts, { mediaType, digest: digestOf(bytes), size: bytes.length }).bytes;
}

Deno.test("artifactConfig() has the fields of the CNCF's layout for a module", () => {
  const { mediaType, bytes } = artifactConfig(PARTS);
  assert.equal(mediaType, "application/vnd.wasm.config.v0+json");
  assert.deepEqual(json(bytes), {
    created: "1970-01-01T00:00:00Z",
    architecture: "wasm",
    os: "wasip1",
    layerDigests: [MODULE.digest, PAGE.digest],
    module: { exports: ["_start"], imports: ["wasi_snapshot_preview1.fd_write"] },
  });
  assert.deepEqual(parseWasmConfig(bytes).imports, ["wasi_snapshot_preview1.fd_write"]);
});

Deno.test("artifactConfig() says that a component is one, with its world", () => {
  const survey = { kind: "component", imports: ["wasi:cli/stdout@0.2.0"], exports: [] } as const;
  const { bytes } = artifactConfig({ ...PARTS, survey });
  const { os, component } = json(bytes);
  assert.deepEqual({ os, component }, {
    os: "wasip2",
    component: { exports: [], imports: ["wasi:cli/stdout@0.2.0"] },
  });
  assert.equal(parseWasmConfig(bytes).component, true);
});

Deno.test("artifactManifest() names module, files and annotations so that it can be read back", () => {
  const bytes = manifestOf({
    ...PARTS,
    annotations: { "dev.example.team": "blue", "org.opencontainers.image.version": "1.2.0" },
    createdMs: 1_700_000_000_000,
  });
  const manifest = parseManifest(bytes, "");
  assert.ok(manifest.kind === "image");
  assert.deepEqual(manifest.layers.map(({ mediaType, annotations }) => [mediaType, annotations]), [
    ["application/wasm", { "org.opencontainers.image.title": "app.wasm" }],
    ["application/octet-stream", { "org.opencontainers.image.title": "www/index.html" }],
  ]);
  assert.deepEqual(manifest.annotations, {
    "dev.example.team": "blue",
    "org.opencontainers.image.created": "2023-11-14T22:13:20Z",
    "org.opencontainers.image.title": "app.wasm",
    "org.opencontainers.image.version": "1.2.0",
  });
});

Deno.test("artifactManifest() makes the same bytes whatever the order of the annotations", () => {
  const some = { ...PARTS, annotations: { b: "2", a: "1", "org.opencontainers.image.title": "T" } };
  const other = {
    ...PARTS,
    annotations: { "org.opencontainers.image.title": "T", a: "1", b: "2" },
  };
  assert.deepEqual(manifestOf(some), manifestOf(other));
  assert.notDeepEqual(manifestOf(some), manifestOf({ ...some, createdMs: 0 }));
});

Deno.test("artifactManifest() writes wasm-to-oci's types on demand, and its empty config", () => {
  const parts = { ...PARTS, format: "wasm-to-oci", files: [] } as const;
  const manifest = parseManifest(manifestOf(parts), "");
  assert.ok(manifest.kind === "image");
  assert.equal(manifest.config.mediaType, "application/vnd.wasm.config.v1+json");
  assert.equal(manifest.layers[0]?.mediaType, "application/vnd.wasm.content.layer.v1+wasm");
  assert.deepEqual(json(artifactConfig(parts).bytes), {});
});
