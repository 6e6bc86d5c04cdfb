/**
 * Manifests and configs that promise what this node cannot have.
 *
 * @module
 */
import {
  artifact,
  type BadImage,
  type BadImages,
  module,
  ownModule,
  tree,
  TREE_LAYER,
  WASM_LAYER,
  type World,
} from "./bad_image.ts";
import { type Descriptor, OCI_MANIFEST } from "./registry.ts";
import { rawTar } from "./tar.ts";

const INDEX = "application/vnd.oci.image.index.v1+json";
const ABSENT = `sha256:${"0".repeat(64)}`;

/** An image of this manifest, of which nothing is checked. */
function manifest(
  make: (world: World, repo: string) => unknown,
  type?: string,
): Pick<BadImage, "image"> {
  return {
    image: (world, repo) => {
      const { registry } = world;
      registry.manifest(repo, make(world, repo), type === undefined ? {} : { type });
      return registry.image(repo);
    },
  };
}

/** A Wasm artifact with this instead of its one layer's descriptor. */
function layer(make: (good: Descriptor) => unknown): Pick<BadImage, "image"> {
  return manifest((world, repo) => {
    const { registry } = world;
    const good = registry.blob(ownModule(world, repo), WASM_LAYER);
    return artifact(registry, [make(good)]);
  });
}

function index(
  make: (world: World, repo: string) => readonly unknown[],
): Pick<BadImage, "image"> {
  return manifest(
    (world, repo) => ({ schemaVersion: 2, mediaType: INDEX, manifests: make(world, repo) }),
    INDEX,
  );
}

/** An entry of an index that points at a manifest there is. */
function entry(
  { registry }: World,
  { repo, body, mediaType = OCI_MANIFEST, platform = { os: "wasip1", architecture: "wasm" } }: {
    readonly repo: string;
    readonly body: unknown;
    readonly mediaType?: string;
    readonly platform?: object;
  },
): object {
  const digest = registry.manifest(repo, body, { tag: crypto.randomUUID(), type: mediaType });
  return { mediaType, digest, size: JSON.stringify(body).length, platform };
}

/** Rows that fail before a layer comes. */
export const MANIFESTS: BadImages = {
  "not-json": { ...manifest(() => "{"), says: /is not a JSON object; push it again/ },
  "json-list": { ...manifest(() => "[]"), says: /is not a JSON object; push it again/ },
  "too-large": {
    ...manifest(({ registry }) => ({ ...artifact(registry, []), pad: "x".repeat(5 << 20) })),
    says: /sent more than 4194304 bytes, the limit for a manifest; make it smaller/,
  },
  "schema-1": {
    ...manifest(
      () => ({ schemaVersion: 1, fsLayers: [], history: [] }),
      "application/vnd.docker.distribution.manifest.v1+prettyjws",
    ),
    says:
      /manifest of type "\S+v1\+prettyjws", which this node cannot read; push it as "application/,
  },
  "other-type": {
    ...manifest(() => ({ schemaVersion: 2, mediaType: "application/vnd.example+json" })),
    says: /manifest of type "application\/vnd\.example\+json".*; push it as "application\/vnd\.oci/,
  },
  "other-manifest": {
    image: ({ registry }, repo) => {
      const digest = registry.manifest(repo, artifact(registry, []));
      registry.answers(repo, (_, response) => void response.end("{}"));
      return `${registry.host}/${repo}@${digest}`;
    },
    says: /digest mismatch: registry "127\S+ sent a manifest with digest .*: push it again/,
  },
  "lying-header": {
    image: ({ registry }, repo) => {
      registry.answers(repo, (_, response) => {
        response.writeHead(200, { "docker-content-digest": ABSENT }).end("{}");
      });
      return registry.image(repo);
    },
    says: /digest mismatch: registry "127\S+ sent a manifest with digest .*: push it again/,
  },
  "layers-no-list": {
    ...manifest(({ registry }) => ({ ...artifact(registry, []), layers: {} })),
    says: /its manifest is broken: "layers" is not a list; push it again/,
  },
  "no-digest": {
    ...layer(({ mediaType, size }) => ({ mediaType, size })),
    says: /its manifest is broken: entry 0 has no mediaType or no digest; push it again/,
  },
  "climbing-digest": {
    ...layer((good) => ({ ...good, digest: "sha256:../../../etc/passwd" })),
    says: /its manifest is broken: "sha256:\.\.\S+ of entry 0 is not a digest; push it again/,
  },
  "negative-size": {
    ...layer((good) => ({ ...good, size: -1 })),
    says: /its manifest is broken: entry 0 has no size; push it again/,
  },
  "no-layers": {
    ...manifest(({ registry }) => artifact(registry, [])),
    says: /it has no layers .*; push a module as a layer of type "application\/wasm"/,
  },
  "other-layer": {
    ...layer((good) => ({ ...good, mediaType: "application/vnd.example.song+mp3" })),
    says:
      /its layers are of type "application\/vnd\.example\.song\+mp3" .*; push a module as a layer/,
  },
  "huge-module": {
    ...layer((good) => ({ ...good, size: 2 ** 40 })),
    says: /its module has 1099511627776 bytes, more than \d+, the limit; make it smaller/,
  },
  "many-layers": {
    ...manifest(({ registry }) => {
      const one = registry.blob("x", TREE_LAYER);
      return artifact(registry, Array.from({ length: 128 }, () => one));
    }),
    says: /it has 128 layers, more than 127; build it with fewer/,
  },
  "huge-layer": {
    image: (world, repo) => {
      const { registry } = world;
      const image = tree(world, { repo, layers: [{ bytes: rawTar() }] });
      const config = registry.blob(
        JSON.stringify({
          ...{ os: "wasip1", architecture: "wasm" },
          rootfs: { type: "layers", diff_ids: [ABSENT] },
        }),
        "application/vnd.oci.image.config.v1+json",
      );
      const huge = { mediaType: TREE_LAYER, digest: ABSENT, size: 2 ** 40 };
      registry.manifest(repo, { ...artifact(registry, [huge]), config });
      return image;
    },
    says:
      /its layer of type "\S+ has 1099511627776 bytes, more than \d+, the limit; make it smaller/,
  },
  "encrypted": {
    image: (world, repo) =>
      tree(world, {
        repo,
        layers: [{ bytes: rawTar() }],
        mediaType: `${TREE_LAYER}+gzip+encrypted`,
      }),
    says: /is encrypted; push it in clear/,
  },
  "unchecked-layers": {
    image: (world, repo) => tree(world, { repo, layers: [{ bytes: rawTar() }], diffIds: [] }),
    says: /names 0 digests of unpacked layers for 1 layers.*; build it again/,
  },
  "config-missing": {
    ...manifest(({ registry }) => {
      const body = artifact(registry, []);
      return { ...body, config: { ...body["config"] as object, digest: ABSENT } };
    }),
    says: /has no blob "sha256:0+" of ".*" \(404\): .*; not all of the image is there: push it/,
  },
  "index-for-linux": {
    ...index((world, repo) => [
      entry(world, { repo, body: {}, platform: { os: "linux", architecture: "amd64" } }),
      entry(world, { repo, body: {}, platform: { os: "linux", architecture: "arm64" } }),
    ]),
    reason: "UnsupportedImage",
    says:
      /is a Linux container image \(linux\/amd64, linux\/arm64\).*; run the pod on another node/,
  },
  "index-of-nothing": {
    ...index(() => []),
    says: /its index names no images; push an index of images/,
  },
  "index-to-nothing": {
    ...index(() => [{ mediaType: OCI_MANIFEST, digest: ABSENT, size: 2 }]),
    says: /has no manifest "sha256:0+" of ".*" \(404\): .*; check the name/,
  },
  "index-in-index": {
    ...index((world, repo) => {
      const nested = (manifests: unknown[]): object => ({ schemaVersion: 2, manifests });
      const image = entry(world, { repo, body: artifact(world.registry, []) });
      const inner = entry(world, { repo, body: nested([image]), mediaType: INDEX });
      return [entry(world, { repo, body: nested([inner]), mediaType: INDEX })];
    }),
    says: /its index leads to an index in an index, and not to an image; push an index of images/,
  },
  "component": {
    image: (world, repo) =>
      module(world, {
        repo,
        bytes: ownModule(world, repo),
        config: {
          ...{ architecture: "wasm", os: "wasip2" },
          component: { imports: ["wasi:http/types@0.2.0"], exports: [] },
        },
      }),
    reason: "UnsupportedImage",
    says: /is a component .*; build it for WASI preview 1 .*it imports "wasi:http\/types@0\.2\.0"/,
  },
  "other-import": {
    image: (world, repo) =>
      module(world, {
        repo,
        bytes: ownModule(world, repo),
        config: { architecture: "wasm", os: "wasip1", imports: ["wasi_nn"], layerDigests: [] },
      }),
    reason: "UnsupportedImage",
    says: /it imports "wasi_nn", which this node does not offer: it has wasi_snapshot_preview1/,
  },
  "native-config": {
    image: (world, repo) =>
      module(world, {
        repo,
        bytes: ownModule(world, repo),
        config: { architecture: "amd64", os: "linux", layerDigests: [] },
      }),
    reason: "UnsupportedImage",
    says:
      /names the architecture "amd64", .*precompiled code is not accepted: push the \.wasm file/,
  },
};
