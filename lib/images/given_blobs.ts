/**
 * Which blobs of the store a pull may use without downloading them.
 *
 * The store is by digest, and digests are no secret: a manifest of somebody's own may name the layers
 * of another's private image. So a repository must give a blob to a pull, not only the store.
 *
 * @module
 */
import type { OciClient } from "./oci/client.ts";
import type { Access } from "./oci/tokens.ts";
import { blobsOf, type ImageRecord } from "./store/image_record.ts";
import type { ReferenceIndex } from "./store/reference_index.ts";

/** Blobs whose coming is remembered: those of some thousand images. */
const CAME_MAX = 10_000;

/** Knows which repositories give which blobs. */
export class GivenBlobs {
  readonly #client: OciClient;
  readonly #index: ReferenceIndex;
  /** Downloads of this process: a pull that failed goes on with them, and has no record yet. */
  readonly #came = new Set<string>();

  constructor(options: { readonly client: OciClient; readonly index: ReferenceIndex }) {
    this.#client = options.client;
    this.#index = options.index;
  }

  /** Takes down that a blob was downloaded from this repository. */
  came(access: Access, digest: string): void {
    const [oldest] = this.#came;
    if (this.#came.size >= CAME_MAX && oldest !== undefined) this.#came.delete(oldest);
    this.#came.add(keyOf(access, digest));
  }

  /** True if this node has had the blob from this very repository. */
  async isKnown(access: Access, digest: string): Promise<boolean> {
    if (this.#came.has(keyOf(access, digest))) return true;
    return await this.#hasRecord(`${access.registry}/${access.repository}@`, digest);
  }

  /**
   * True if the registry says that the repository has the blob, to this credential. It is asked only
   * about what came from it: another may belong to somebody who says yes to everything.
   */
  async isConfirmed(access: Access, digest: string, signal: AbortSignal): Promise<boolean> {
    return await this.#hasRecord(`${access.registry}/`, digest) &&
      await this.#client.hasBlob(access, digest, { signal });
  }

  async #hasRecord(prefix: string, digest: string): Promise<boolean> {
    const { images } = await this.#index.all();
    const names = (record: ImageRecord): boolean =>
      record.imageId.startsWith(prefix) && blobsOf(record).some((blob) => blob.digest === digest);
    return images.values().some(names);
  }
}

function keyOf({ registry, repository }: Access, digest: string): string {
  return `${registry}/${repository}@${digest}`;
}
