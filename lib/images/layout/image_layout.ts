/**
 * Reads the OCI image layout (OCI image specification 1.1): an index of images, and blobs by digest.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { MANIFEST_BYTES_MAX } from "../limits.ts";
import { clean, PullFailure } from "../oci/failure.ts";
import { OCI_INDEX } from "../oci/media_types.ts";
import { isDigest } from "../oci/reference.ts";
import type { LayoutFile, LayoutFiles } from "./layout_files.ts";
import { type Descriptor, parseManifest } from "./manifest.ts";

/** A manifest or an index, and what it is the digest of. */
export interface FoundManifest {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly mediaType: string;
  readonly digest: string;
}

/** Where an index notes the name of an image: the specification's place, and containerd's. */
const NAMES = ["org.opencontainers.image.ref.name", "io.containerd.image.name"] as const;
/** Names that a message lists. */
const SHOWN_MAX = 5;

/** The images of one layout. Everything that fails is a `PullFailure`. */
export class ImageLayout {
  readonly #files: LayoutFiles;

  /** Opens nothing yet. */
  constructor(files: LayoutFiles) {
    this.#files = files;
  }

  /**
   * The image of this name. Without a name the only image; or if there is none such, the layout's index,
   * which may have an image for each platform.
   */
  async find(name: string | undefined): Promise<FoundManifest> {
    await this.#small("oci-layout");
    const bytes = await this.#small("index.json");
    const index = parseManifest(bytes, "");
    const { path } = this.#files;
    if (index.kind !== "index") {
      throw new PullFailure(`"index.json" of "${path}" is not an index of images`);
    }
    const { manifests } = index;
    if (name === undefined) {
      if (
        namesIn(manifests).length > 1 && new Set(manifests.map(({ digest }) => digest)).size > 1
      ) {
        throw new PullFailure(
          `"${path}" has several images: ${shown(manifests)}; name one of them`,
        );
      }
      const [first, second] = manifests;
      // Two names of one image are two entries.
      return first !== undefined && first.digest === second?.digest
        ? await this.manifest(first.digest)
        : { bytes, mediaType: OCI_INDEX, digest: digestOf(bytes, "sha256") };
    }
    const found = manifests.find(({ annotations }) => NAMES.some((at) => annotations[at] === name));
    if (found !== undefined) return await this.manifest(found.digest);
    throw new PullFailure(
      `"${path}" has no image of the name "${name}"; it has ${shown(manifests) || "no names"}`,
    );
  }

  /** A manifest by its digest. */
  async manifest(digest: string): Promise<FoundManifest> {
    return { bytes: await this.smallBlob(digest), mediaType: "", digest };
  }

  /** A small blob, whole and checked against its digest. */
  async smallBlob(digest: string): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = await this.#small(blobName(digest));
    const found = digestOf(bytes, digest.split(":")[0]!);
    if (found === digest) return bytes;
    throw new PullFailure(
      `digest mismatch: "${blobName(digest)}" of "${this.#files.path}" has digest ${found}`,
    );
  }

  /** A blob of any size. Its reader checks it. */
  async open(digest: string): Promise<LayoutFile> {
    return await this.#files.open(blobName(digest));
  }

  async #small(name: string): Promise<Uint8Array<ArrayBuffer>> {
    using file = await this.#files.open(name);
    if (file.size > MANIFEST_BYTES_MAX) {
      throw new PullFailure(
        `${file.shown} has ${file.size} bytes, more than ${MANIFEST_BYTES_MAX}`,
      );
    }
    const bytes = new Uint8Array(file.size);
    return bytes.subarray(0, await file.read(0, bytes));
  }
}

function namesIn(manifests: readonly Descriptor[]): string[] {
  const [own] = NAMES;
  return [...new Set(manifests.flatMap(({ annotations }) => annotations[own] ?? []))];
}

function shown(manifests: readonly Descriptor[]): string {
  return namesIn(manifests).slice(0, SHOWN_MAX).map((name) => `"${clean(name)}"`).join(", ");
}

function blobName(digest: string): string {
  if (!isDigest(digest)) throw new PullFailure(`"${clean(digest)}" is not a digest`);
  return `blobs/${digest.replace(":", "/")}`;
}

function digestOf(bytes: Uint8Array, algorithm: string): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}
