import assert from "node:assert/strict";
import type { ModuleTerms } from "../../provider.ts";
import { PullFailure } from "../oci/failure.ts";
import { LAYER_BYTES_MAX, LAYERS_BYTES_MAX, LAYERS_MAX } from "./limits.ts";
import { type ImageManifest, parseManifest } from "./manifest.ts";
import { type ImagePlan, needsConfig, planImage } from "./plan.ts";
import { UnsupportedImage } from "./unsupported.ts";

const WASM = "application/wasm";
const LEGACY = "application/vnd.wasm.content.layer.v1+wasm";
const TAR = "application/vnd.oci.image.layer.v1.tar+gzip";
const OCI_CONFIG = "application/vnd.oci.image.config.v1+json";
const CNCF_CONFIG = "application/vnd.wasm.config.v0+json";
const TERMS: ModuleTerms = {
  bytesMax: 1000,
  imports: ["wasi_snapshot_preview1", "wasi.thread-spawn", "env.memory"],
  components: false,
};

let digests = 0;
function digest(): string {
  return `sha256:${(digests++).toString(16).padStart(64, "0")}`;
}

interface Layer {
  readonly type: string;
  readonly title?: string;
  readonly size?: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

function image(
  configType: string,
  layers: readonly Layer[],
  annotations: Readonly<Record<string, string>> = {},
): ImageManifest {
  const body = {
    schemaVersion: 2,
    annotations,
    config: { mediaType: configType, digest: digest(), size: 2 },
    layers: layers.map(({ type, title, size = 10, annotations }) => ({
      mediaType: type,
      digest: digest(),
      size,
      annotations: {
        ...annotations,
        ...(title === undefined ? {} : { "org.opencontainers.image.title": title }),
      },
    })),
  };
  const manifest = parseManifest(new TextEncoder().encode(JSON.stringify(body)), "");
  assert.ok(manifest.kind === "image");
  return manifest;
}

function plan(manifest: ImageManifest, config?: object): ImagePlan {
  const bytes = config && new TextEncoder().encode(JSON.stringify(config));
  return planImage(manifest, { config: bytes, terms: TERMS });
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

function treeConfig(platform: string, layers: number, config: object = {}): object {
  const [os, architecture] = platform.split("/");
  return { os, architecture, config, rootfs: { diff_ids: Array.from({ length: layers }, digest) } };
}

const LAYOUTS: readonly (readonly [name: string, config: string, layer: string])[] = [
  ["wasm-to-oci", "application/vnd.wasm.config.v1+json", LEGACY],
  ["the CNCF, and wkg", CNCF_CONFIG, WASM],
  ["oras without a config", "application/vnd.oci.empty.v1+json", WASM],
  ["runwasi", OCI_CONFIG, WASM],
  [
    "older runwasi",
    OCI_CONFIG,
    "application/vnd.bytecodealliance.wasm.component.layer.v0+wasm",
  ],
];

for (const [name, config, layer] of LAYOUTS) {
  Deno.test(`planImage() finds the module as packed by ${name}`, () => {
    const chosen = plan(image(config, [{ type: "text/plain" }, { type: layer }]), {});
    assert.equal(chosen.module?.mediaType, layer);
    assert.deepEqual(chosen.tree, []);
  });
}

Deno.test("planImage() takes the file name of a module's title, and no path", () => {
  const titled = (title: string): string | undefined =>
    plan(image("c", [{ type: WASM, title }])).module?.title;
  assert.equal(titled("app.wasm"), "app.wasm");
  assert.equal(titled("/build/../out/app.wasm"), "app.wasm");
  assert.equal(titled("C:\\out\\app.wasm"), "app.wasm");
  for (const bad of ["", "..", "a/..", "dir/", "\u0000"]) assert.equal(titled(bad), undefined);
});

Deno.test("planImage() puts files beside the module into a root that is read-only", () => {
  const folder = { "io.deis.oras.content.unpack": "true", "io.deis.oras.content.digest": digest() };
  const { module, tree, readOnly } = plan(image("c", [
    { type: "text/html", title: "/static/index.html" },
    { type: WASM, title: "app.wasm" },
    { type: "application/vnd.oci.image.layer.v1.tar+gzip", title: "css", annotations: folder },
    { type: WASM, title: "plug-in.wasm" },
    { type: "application/x-signature" },
  ]));
  assert.equal(module?.title, "app.wasm");
  assert.ok(readOnly);
  assert.deepEqual(tree.map((part) => part.kind === "file" ? part.path : part.diffId), [
    "static/index.html",
    folder["io.deis.oras.content.digest"],
    "plug-in.wasm",
  ]);
  assert.match(
    failureOf(() => plan(image("c", [{ type: WASM }, { type: "t", title: "../x" }]))).message,
    /"..\/x" cannot be unpacked/,
  );
});

Deno.test("planImage() unpacks a folder of Python's oras, and keeps an archive as it is", () => {
  const type = "application/vnd.oci.image.layer.v1.tar+gzip";
  const kinds = (title: string, annotations: Record<string, string> = {}): string[] =>
    plan(image("c", [{ type: WASM, title: "app.wasm" }, { type, title, annotations }])).tree.map(
      ({ kind }) => kind,
    );
  assert.deepEqual(kinds("www"), ["archive"]);
  assert.deepEqual(kinds("www", { "io.deis.oras.content.unpack": "false" }), ["file"]);
  for (const name of ["www.tar.gz", "www.tgz", "www.TAR"]) assert.deepEqual(kinds(name), ["file"]);
});

for (const platform of ["wasi/wasm", "wasip1/wasm", "wasi/wasm32", "js/wasm", "wasm/amd64"]) {
  Deno.test(`planImage() unpacks an image for ${platform}`, () => {
    const config = treeConfig(platform, 2, { Entrypoint: ["/app.wasm"], WorkingDir: "/srv//app/" });
    const { module, tree, readOnly, config: read } = plan(
      image(OCI_CONFIG, [{ type: TAR }, { type: TAR }]),
      config,
    );
    assert.equal(module, undefined);
    assert.equal(readOnly, false);
    assert.deepEqual(tree.map((part) => part.kind), ["archive", "archive"]);
    assert.equal(read?.workingDir, "/srv/app");
  });
}

Deno.test("planImage() looks inside an image for another platform only if it says that it is Wasm", () => {
  const layers = [{ type: TAR }];
  const linux = failureOf(() =>
    plan(
      image(OCI_CONFIG, layers),
      treeConfig("linux/amd64", 1, { Cmd: ["/bin/sh"] }),
    )
  );
  assert.ok(linux instanceof UnsupportedImage);
  assert.match(
    linux.message,
    /^it is a Linux container image \(linux\/amd64\): .*WebAssembly only/,
  );
  const named = treeConfig("linux/amd64", 1, { Cmd: ["/app.wasm"] });
  assert.equal(plan(image(OCI_CONFIG, layers), named).tree.length, 1);
  const compat = image(OCI_CONFIG, layers, { "module.wasm.image/variant": "compat-smart" });
  assert.equal(plan(compat, treeConfig("linux/amd64", 1)).tree.length, 1);
});

Deno.test("planImage() refuses layers that cannot be checked, or are encrypted, or too large", () => {
  const refused = (layers: readonly Layer[], diffIds = layers.length): string =>
    failureOf(() => plan(image(OCI_CONFIG, layers), treeConfig("wasi/wasm", diffIds))).message;
  assert.match(refused([{ type: TAR }], 2), /names 2 digests of unpacked layers for 1 layers/);
  assert.match(refused([{ type: `${TAR}+encrypted` }]), /is encrypted; push it in clear/);
  assert.match(
    refused([{ type: TAR, size: LAYER_BYTES_MAX + 1 }]),
    /has 1073741825 bytes, more than 1073741824, the limit; make it smaller/,
  );
  assert.match(
    refused(Array.from({ length: LAYERS_MAX + 1 }, () => ({ type: TAR }))),
    /128 layers, more than 127/,
  );
});

Deno.test("planImage() refuses more layers than could ever be unpacked, before they are fetched", () => {
  const title = "a";
  const layers = (size: number): Layer[] => [
    { type: TAR, size: LAYER_BYTES_MAX },
    { type: TAR, size: LAYER_BYTES_MAX },
    { type: TAR, size },
  ];
  const config = treeConfig("wasip1/wasm", 3);
  const rest = LAYERS_BYTES_MAX - 2 * LAYER_BYTES_MAX;
  assert.equal(plan(image(OCI_CONFIG, layers(rest)), config).tree.length, 3);
  const files = layers(rest + 1).map((layer) => ({ ...layer, type: "text/plain", title }));
  for (
    const work of [
      () => plan(image(OCI_CONFIG, layers(rest + 1)), config),
      () => plan(image("c", [{ type: WASM }, ...files])),
    ]
  ) assert.match(failureOf(work).message, /bytes together, more than 2684354560, the limit/);
});

Deno.test("planImage() refuses a module beyond the backend's limit before it is fetched", () => {
  const big = image("c", [{ type: WASM, size: 1001 }]);
  assert.match(
    failureOf(() => plan(big)).message,
    /has 1001 bytes, more than 1000, the limit; make it smaller$/,
  );
});

Deno.test("planImage() refuses by a Wasm config what the node does not offer, by name", () => {
  const artifact = image(CNCF_CONFIG, [{ type: WASM }]);
  const refused = (config: object): string => {
    const failure = failureOf(() => plan(artifact, config));
    assert.ok(failure instanceof UnsupportedImage);
    return failure.message;
  };
  const world = { imports: ["wasi:http/types@0.2.0", "wasi:cli/stdout@0.2.0"], exports: [] };
  assert.match(
    refused({ architecture: "wasm", os: "wasip2", component: world }),
    /it is a component \(WASI 0.2\).*wasm32-wasip1.*; it imports "wasi:http\/types@0.2.0", "wasi:cli/,
  );
  assert.match(refused({ os: "wasip2" }), /it is a component/);
  assert.match(
    refused({ os: "wasip1", imports: ["wasi_snapshot_preview1", "wasi_ephemeral_nn.load"] }),
    /it imports "wasi_ephemeral_nn.load", which this node does not offer: it has wasi_snap/,
  );
  assert.match(refused({ architecture: "amd64" }), /architecture "amd64".*precompiled code is not/);
  for (
    const imports of [
      ["wasi_snapshot_preview1"],
      ["wasi_snapshot_preview1.fd_write", "wasi_snapshot_preview1/sock_accept"],
      ["wasi", "env"],
      ["wasi.thread-spawn", "env.memory"],
    ]
  ) assert.ok(plan(artifact, { os: "wasip1", imports, component: null }).module);
});

Deno.test("planImage() says what was found where there is no module", () => {
  const chart = image("application/vnd.cncf.helm.config.v1+json", [{ type: "application/x.tar" }]);
  assert.match(
    failureOf(() => plan(chart)).message,
    /no WebAssembly module: its layers are of type "application\/x.tar" and its config of type "application\/vnd.cncf.helm.config.v1\+json"; push a module as a layer of type "application\/wasm"/,
  );
  assert.match(failureOf(() => plan(image("c", []))).message, /it has no layers/);
});

Deno.test("needsConfig() is true for the configs that are read", () => {
  assert.deepEqual(
    [OCI_CONFIG, CNCF_CONFIG, "application/vnd.wasm.config.v1+json"]
      .map((type) => needsConfig(image(type, []))),
    [true, true, false],
  );
});
