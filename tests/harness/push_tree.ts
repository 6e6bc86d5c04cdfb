/**
 * Pushes `FROM scratch` images: a tree of files in layers, and a config that says how it is run.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { type Pushed, putBlob, putManifest, type RegistryAddress } from "./push.ts";

const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
const OCI_CONFIG = "application/vnd.oci.image.config.v1+json";
const LAYER = "application/vnd.oci.image.layer.v1.tar";
const BLOCK_BYTES = 512;

/** What a layer holds, by path: a file's bytes, a link's target, or an empty folder. */
export type LayerFiles = Readonly<
  Record<string, Uint8Array | { readonly link: string } | "folder">
>;

/** How layers are packed. */
export type Packing = "plain" | "gzip" | "zstd";

/** An image to be pushed. */
export interface TreeImage {
  readonly repo: string;
  /** @default "v1" */
  readonly tag?: string;
  readonly layers: readonly { readonly packing: Packing; readonly files: LayerFiles }[];
  /** `config` of the image's config, as `{ Entrypoint: ["/app.wasm"] }`. */
  readonly run?: Readonly<Record<string, unknown>>;
  /** @default {wasip1/wasm} */
  readonly platform?: { readonly os: string; readonly architecture: string };
  /** Other images of an index that the tag then names, for these platforms; they are not there. */
  readonly besides?: readonly { readonly os: string; readonly architecture: string }[];
}

/** Pushes an image under its tag. */
export async function pushTree(registry: RegistryAddress, image: TreeImage): Promise<Pushed> {
  const { repo, run = {}, besides = [] } = image;
  const platform = image.platform ?? { os: "wasip1", architecture: "wasm" };
  const layers: { mediaType: string; digest: string; size: number }[] = [];
  const diffIds: string[] = [];
  for (const { packing, files } of image.layers) {
    const tar = tarOf(files);
    const bytes = pack(tar, packing);
    diffIds.push(digestOf(tar));
    const digest = await putBlob(registry, repo, bytes);
    const mediaType = packing === "plain" ? LAYER : `${LAYER}+${packing}`;
    layers.push({ mediaType, digest, size: bytes.length });
  }
  const rootfs = { type: "layers", diff_ids: diffIds };
  const config = new TextEncoder().encode(JSON.stringify({ ...platform, config: run, rootfs }));
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: {
      mediaType: OCI_CONFIG,
      digest: await putBlob(registry, repo, config),
      size: config.length,
    },
    layers,
  };
  const wanted = image.tag ?? "v1";
  let tag = besides.length === 0 ? wanted : "image";
  let manifestDigest = await putManifest(registry, {
    repo,
    tag,
    mediaType: OCI_MANIFEST,
    manifest,
  });
  if (besides.length > 0) {
    const size = JSON.stringify(manifest).length;
    const entry = (platform: object): object => {
      return { mediaType: OCI_MANIFEST, digest: manifestDigest, size, platform };
    };
    const manifests = [...besides.map(entry), entry(platform)];
    const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests };
    tag = wanted;
    manifestDigest = await putManifest(registry, {
      repo,
      tag,
      mediaType: OCI_INDEX,
      manifest: index,
    });
  }
  const name = `${registry.host}/${repo}`;
  return {
    image: `${name}:${tag}`,
    pinned: `${name}@${manifestDigest}`,
    manifestDigest,
    layerDigest: layers[0]?.digest ?? "",
  };
}

function pack(tar: Uint8Array, packing: Packing): Uint8Array {
  if (packing === "plain") return tar;
  return new Uint8Array(packing === "gzip" ? gzipSync(tar) : zstdCompressSync(tar));
}

function tarOf(files: LayerFiles): Uint8Array {
  const pieces: Uint8Array[] = [];
  for (const [path, content] of Object.entries(files)) {
    const body = content instanceof Uint8Array ? content : new Uint8Array(0);
    pieces.push(headerOf(path, content, body.length), body);
    pieces.push(new Uint8Array((BLOCK_BYTES - body.length % BLOCK_BYTES) % BLOCK_BYTES));
  }
  pieces.push(new Uint8Array(2 * BLOCK_BYTES));
  const tar = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    tar.set(piece, at);
    at += piece.length;
  }
  return tar;
}

function headerOf(path: string, content: LayerFiles[string], size: number): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  const put = (at: number, text: string): void => block.set(new TextEncoder().encode(text), at);
  put(0, path);
  put(100, "0000755\0");
  put(124, `${size.toString(8).padStart(11, "0")}\0`);
  put(148, " ".repeat(8));
  put(156, content instanceof Uint8Array ? "0" : content === "folder" ? "5" : "2");
  if (!(content instanceof Uint8Array) && content !== "folder") put(157, content.link);
  put(257, "ustar\x0000");
  const sum = block.reduce((sum, byte) => sum + byte, 0);
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  return block;
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
