/**
 * Images of this machine: single modules, and OCI image layouts in folders and archives.
 *
 * @module
 */
import { basename, resolve } from "node:path";
import { KubeletError } from "../errors.ts";
import type { ModuleTerms } from "../provider.ts";
import type { Assembler, ImageSource } from "./assemble.ts";
import { ImageLayout } from "./layout/image_layout.ts";
import { type LayoutPlace, layoutPlace, openLayout } from "./layout/layout_place.ts";
import { copyLocalFile, type LocalModules, localPath } from "./layout/local_file.ts";
import { UnsupportedImage } from "./layout/unsupported.ts";
import { DISK_BYTES } from "./limits.ts";
import { PullFailure } from "./oci/failure.ts";
import type { ImagePurpose, ImageRecord } from "./store/image_record.ts";
import type { Blob, BlobStore } from "./store/store.ts";

/** Options of {@linkcode LocalImages}. */
export interface LocalImagesOptions {
  /** Whether local files may be images. */
  readonly localModules: LocalModules;
  readonly terms: ModuleTerms;
  readonly store: BlobStore;
  readonly assembler: Assembler;
}

/** Copies what is named by a path into the store, so that a later change of it harms nobody. */
export class LocalImages {
  readonly #options: LocalImagesOptions;

  constructor(options: LocalImagesOptions) {
    this.#options = options;
  }

  /**
   * The image that is here under a path, read anew each time; undefined for a name of a registry's.
   *
   * Throws a `KubeletError` with code `image_name` for a path that is none, and with code `image_pull`
   * if that is not allowed, or what is there cannot be run.
   */
  async find(
    image: string,
    { purpose, signal }: { readonly purpose: ImagePurpose; readonly signal: AbortSignal },
  ): Promise<ImageRecord | undefined> {
    const path = localPath(image);
    const place = layoutPlace(image);
    const named = path ?? place?.path;
    if (named === undefined) return undefined;
    const { localModules } = this.#options;
    if (localModules === "refused") throw refused(image);
    const baseDir = localModules === "allowed" ? Deno.cwd() : localModules.baseDir;
    const at = resolve(baseDir, named);
    try {
      return await (place === undefined
        ? this.#fromFile(image, { path: at, purpose, signal })
        : this.#fromLayout(image, { place: { ...place, path: at }, purpose, signal }));
    } catch (error) {
      if (signal.aborted || !(error instanceof PullFailure)) throw error;
      throw new KubeletError(
        "image_pull",
        `Cannot use local file as image "${image}": ${error.message}`,
        {
          cause: error,
          ...(error instanceof UnsupportedImage ? { reason: "UnsupportedImage" } : {}),
        },
      );
    }
  }

  async #fromFile(
    image: string,
    { path, purpose, signal }: {
      readonly path: string;
      readonly purpose: ImagePurpose;
      readonly signal: AbortSignal;
    },
  ): Promise<ImageRecord> {
    const { store, terms } = this.#options;
    if (purpose === "volume") {
      throw new UnsupportedImage("a single file is no volume; use a hostPath volume for it");
    }
    const { digest, size } = await copyLocalFile(path, { store, bytesMax: terms.bytesMax, signal });
    return { image, imageId: digest, module: { digest, size }, moduleName: basename(path) };
  }

  async #fromLayout(
    image: string,
    { place, purpose, signal }: {
      readonly place: LayoutPlace;
      readonly purpose: ImagePurpose;
      readonly signal: AbortSignal;
    },
  ): Promise<ImageRecord> {
    const { path } = place;
    const layout = new ImageLayout(await openLayout(place, signal));
    const fetched = await layout.find(place.name);
    const source: ImageSource = {
      moduleName: basename(path, ".tar"),
      from: `"${path}"`,
      imageId: (digest) => digest,
      manifest: (digest) => layout.manifest(digest),
      smallBlob: (digest) => layout.smallBlob(digest),
      blob: (blob, options) => this.#blob(layout, blob, options),
    };
    return await this.#options.assembler.assemble(source, { image, fetched, purpose, signal });
  }

  /** Copies a blob into the store, unless it is there. */
  async #blob(
    layout: ImageLayout,
    { digest, size }: Parameters<ImageSource["blob"]>[0],
    { bytesMax, signal }: Parameters<ImageSource["blob"]>[1],
  ): Promise<Blob> {
    const { store } = this.#options;
    const present = await store.find(digest, size, signal);
    if (present !== undefined) return present;
    using file = await layout.open(digest);
    return await store.add({ digest, size, bytesMax, from: file.shown }, async (sink) => {
      const buffer = new Uint8Array(DISK_BYTES);
      for (let at = 0; at < file.size;) {
        signal.throwIfAborted();
        const n = await file.read(at, buffer);
        if (n === 0) break;
        await sink.write(buffer.subarray(0, n));
        at += n;
      }
    });
  }
}

function refused(image: string): KubeletError {
  return new KubeletError(
    "image_pull",
    `Cannot use local file as image "${image}": this node takes images from registries only; ` +
      `to allow files start it with --x-allow-local-modules true`,
    { reason: "LocalModulesRefused" },
  );
}
