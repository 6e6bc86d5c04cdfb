/**
 * Images of this machine: single modules, and folders in the form of the OCI image layout.
 *
 * @module
 */
import { basename, resolve } from "node:path";
import { KubeletError } from "../errors.ts";
import type { ModuleTerms } from "../provider.ts";
import type { Assembler } from "./assemble.ts";
import { LayoutFolder, layoutPlace } from "./layout/layout_folder.ts";
import { copyLocalFile, type LocalModules, localPath } from "./layout/local_file.ts";
import { UnsupportedImage } from "./layout/unsupported.ts";
import { PullFailure } from "./oci/failure.ts";
import type { ImageRecord } from "./store/image_record.ts";
import type { BlobStore } from "./store/store.ts";

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
  async find(image: string, signal: AbortSignal): Promise<ImageRecord | undefined> {
    const path = localPath(image);
    const place = path === undefined ? layoutPlace(image) : { path };
    if (place === undefined) return undefined;
    const { localModules } = this.#options;
    if (localModules === "refused") throw refused(image);
    const baseDir = localModules === "allowed" ? Deno.cwd() : localModules.baseDir;
    const at = { ...place, path: resolve(baseDir, place.path) };
    try {
      return await (path === undefined
        ? this.#fromFolder(image, at, signal)
        : this.#fromFile(image, at.path, signal));
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

  async #fromFile(image: string, path: string, signal: AbortSignal): Promise<ImageRecord> {
    const { store, terms } = this.#options;
    const { digest, size } = await copyLocalFile(path, { store, bytesMax: terms.bytesMax, signal });
    return { image, imageId: digest, module: { digest, size }, moduleName: basename(path) };
  }

  async #fromFolder(
    image: string,
    { path, tag }: { readonly path: string; readonly tag?: string },
    signal: AbortSignal,
  ): Promise<ImageRecord> {
    const { store, assembler } = this.#options;
    const folder = new LayoutFolder(path, store);
    const fetched = await folder.find(tag);
    const source = {
      moduleName: basename(path),
      from: `"${path}"`,
      imageId: (digest: string): string => digest,
      manifest: (digest: string) => folder.manifest(digest),
      smallBlob: (digest: string) => folder.smallBlob(digest),
      blob: folder.blob.bind(folder),
    };
    return await assembler.assemble(source, { image, fetched, signal });
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
