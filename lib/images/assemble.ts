/**
 * From a manifest to an image on disk: its module, and the tree of its files.
 *
 * @module
 */
import type { ModuleTerms } from "../provider.ts";
import { MANIFEST_BYTES_MAX } from "./limits.ts";
import { checkDiffId } from "./layout/diff_id.ts";
import { LAYER_BYTES_MAX } from "./layout/limits.ts";
import {
  chooseManifest,
  type Descriptor,
  type ImageManifest,
  parseManifest,
} from "./layout/manifest.ts";
import { type ImagePlan, needsConfig, planImage } from "./layout/plan.ts";
import { FILE_PLATFORMS, planFiles } from "./layout/plan_files.ts";
import { treeId, type TreePart, type TreeStore } from "./layout/tree_store.ts";
import { COMPONENT, UnsupportedImage } from "./layout/unsupported.ts";
import { describeHead, WASM_HEAD_BYTES, wasmKind } from "./layout/wasm_kind.ts";
import { PullFailure } from "./oci/failure.ts";
import type { FetchedManifest } from "./oci/reading.ts";
import type { ImagePurpose, ImageRecord } from "./store/image_record.ts";
import type { Blob, BlobStore } from "./store/store.ts";

/** Where the parts of an image are fetched from. Everything that fails is a `PullFailure`. */
export interface ImageSource {
  /** The module's name if no layer says it. */
  readonly moduleName: string;
  /** Who sends it, for messages, as `registry "ghcr.io"`. */
  readonly from: string;
  /** The image's id, by the digest of its manifest or index. */
  imageId(digest: string): string;
  /** A manifest by its digest. */
  manifest(digest: string, signal: AbortSignal): Promise<FetchedManifest>;
  /** A small blob, whole and checked against its digest. */
  smallBlob(digest: string, signal: AbortSignal): Promise<Uint8Array>;
  /** Has a blob in the store. `bytesMax` is the limit if its descriptor lies. */
  blob(
    blob: Pick<Descriptor, "digest" | "size">,
    options: { readonly bytesMax: number; readonly signal: AbortSignal },
  ): Promise<Blob>;
}

/** Options of an {@linkcode Assembler}. */
export interface AssemblerOptions {
  readonly store: BlobStore;
  readonly trees: TreeStore;
  /** What the backend can run. */
  readonly terms: ModuleTerms;
}

/** Puts images together. */
export class Assembler {
  readonly #store: BlobStore;
  readonly #trees: TreeStore;
  readonly #terms: ModuleTerms;
  /** Layers that were seen to unpack to what their configs say. */
  readonly #proven = new Set<string>();

  constructor(options: AssemblerOptions) {
    this.#store = options.store;
    this.#trees = options.trees;
    this.#terms = options.terms;
  }

  /** Fetches what this node needs of an image whose manifest, or index, was `fetched`. */
  async assemble(
    source: ImageSource,
    { image, fetched, purpose, signal }: {
      /** The reference in its normal form. */
      readonly image: string;
      readonly fetched: FetchedManifest;
      readonly purpose: ImagePurpose;
      readonly signal: AbortSignal;
    },
  ): Promise<ImageRecord> {
    const manifest = await this.#imageManifest(source, { fetched, purpose, signal });
    const config = needsConfig(manifest)
      ? await source.smallBlob(manifest.config.digest, signal)
      : undefined;
    const imageId = source.imageId(fetched.digest);
    const { moduleName } = source;
    if (purpose === "volume") {
      const parts = planFiles(manifest, config);
      await this.#tree(source, parts, signal);
      return { image, imageId, moduleName, tree: { parts, readOnly: true }, purpose };
    }
    const plan = planImage(manifest, { config, terms: this.#terms });
    if (plan.module !== undefined) await this.#module(source, plan.module, signal);
    if (plan.tree.length > 0) await this.#tree(source, plan.tree, signal);
    return recordOf(plan, { image, imageId, moduleName });
  }

  /** True if all of an image is here and sound; a tree that is not is made again of its layers. */
  async isPresent({ module, tree }: ImageRecord, signal: AbortSignal): Promise<boolean> {
    if (module !== undefined && !await this.#store.find(module.digest, module.size, signal)) {
      return false;
    }
    if (tree === undefined || await this.#trees.find(treeId(tree.parts), signal)) return true;
    for (const { digest, size } of tree.parts) {
      if (!await this.#store.find(digest, size, signal)) return false;
    }
    await this.#unpack(tree.parts, signal);
    return true;
  }

  /** The manifest of the image itself: that of an index, or of an index in an index. */
  async #imageManifest(
    source: ImageSource,
    { fetched, purpose, signal }: {
      readonly fetched: FetchedManifest;
      readonly purpose: ImagePurpose;
      readonly signal: AbortSignal;
    },
  ): Promise<ImageManifest> {
    let manifest = await this.#keep(source, fetched);
    for (let depth = 0; manifest.kind === "index"; depth++) {
      if (depth > INDEX_DEPTH_MAX) {
        throw new PullFailure(
          "its index leads to an index in an index, and not to an image; push an index of images",
        );
      }
      const { digest } = chooseManifest(
        manifest.manifests,
        purpose === "volume" ? FILE_PLATFORMS : [],
      );
      manifest = await this.#keep(source, await source.manifest(digest, signal));
    }
    return manifest;
  }

  async #keep(
    { from }: ImageSource,
    { bytes, digest, mediaType }: FetchedManifest,
  ): Promise<ReturnType<typeof parseManifest>> {
    const expected = { digest, size: bytes.length, bytesMax: MANIFEST_BYTES_MAX, from };
    await this.#store.add(expected, (sink) => sink.write(bytes));
    return parseManifest(bytes, mediaType);
  }

  async #module(source: ImageSource, module: Descriptor, signal: AbortSignal): Promise<void> {
    const blob = await source.blob(module, { bytesMax: this.#terms.bytesMax, signal });
    const head = await this.#store.head(blob, WASM_HEAD_BYTES);
    const kind = wasmKind(head);
    if (kind === undefined) {
      throw new PullFailure(
        `its layer of type "${module.mediaType}" is not a WebAssembly module: ${
          describeHead(head)
        }`,
      );
    }
    if (kind === "component" && !this.#terms.components) throw new UnsupportedImage(COMPONENT);
  }

  async #tree(
    source: ImageSource,
    parts: readonly TreePart[],
    signal: AbortSignal,
  ): Promise<void> {
    // Also for a tree that is here: it belongs to those only who are given its layers.
    const waiting = [...parts];
    const fetchNext = async (): Promise<void> => {
      for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
        await source.blob(part, { bytesMax: LAYER_BYTES_MAX, signal });
      }
    };
    const results = await Promise.allSettled(Array.from({ length: LAYERS_AT_ONCE }, fetchNext));
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    await this.#unpack(parts, signal);
  }

  async #unpack(parts: readonly TreePart[], signal: AbortSignal): Promise<void> {
    let isOwn = false;
    const blobPath = (digest: string): string => {
      isOwn = true;
      return this.#store.path(digest);
    };
    await this.#trees.ensure(parts, { blobPath, signal });
    // A tree that others have made bears the name that a config claims; unpacking has checked our own.
    for (const part of parts) {
      if (part.kind === "file" || part.diffId === undefined) continue;
      const { digest, size, diffId } = part;
      const proof = `${digest} ${diffId}`;
      if (!isOwn && !this.#proven.has(proof)) {
        await checkDiffId(this.#store.path(digest), { size, diffId, signal });
      }
      this.#proven.add(proof);
    }
  }
}

/** Layers of an image that are fetched at once: as many as container runtimes fetch. */
const LAYERS_AT_ONCE = 3;
/** Indexes between the first one and an image. */
const INDEX_DEPTH_MAX = 1;

function recordOf(
  { module, tree, readOnly, config }: ImagePlan,
  { image, imageId, moduleName }: Pick<ImageRecord, "image" | "imageId" | "moduleName">,
): ImageRecord {
  return {
    image,
    imageId,
    moduleName: module?.title ?? moduleName,
    ...(module && { module: { digest: module.digest, size: module.size } }),
    ...(tree.length === 0 ? {} : { tree: { parts: tree, readOnly } }),
    ...(config?.entrypoint === undefined ? {} : { entrypoint: config.entrypoint }),
    ...(config?.cmd === undefined ? {} : { cmd: config.cmd }),
    ...(config?.env === undefined ? {} : { imageEnv: config.env }),
    ...(config?.workingDir === undefined ? {} : { workingDir: config.workingDir }),
    ...(config === undefined ? {} : { user: config.user ?? "" }),
    ...(config?.stopSignal === undefined ? {} : { stopSignal: config.stopSignal }),
  };
}
