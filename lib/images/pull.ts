/**
 * One pull: from a reference and one credential to an image in the store.
 *
 * @module
 */
import type { Assembler, ImageSource } from "./assemble.ts";
import { type Credential, fingerprint } from "./oci/credential.ts";
import { Flights } from "./flights.ts";
import { GivenBlobs } from "./given_blobs.ts";
import type { ImagePurpose, ImageRecord } from "./store/image_record.ts";
import { formatReference, type Reference, target } from "./oci/reference.ts";
import type { OciClient } from "./oci/client.ts";
import type { Sink } from "./store/partial.ts";
import type { Access } from "./oci/tokens.ts";
import type { ReferenceIndex } from "./store/reference_index.ts";
import type { Blob, BlobStore } from "./store/store.ts";

/** Options of a {@linkcode Puller}. */
export interface PullerOptions {
  readonly client: OciClient;
  readonly store: BlobStore;
  /** Says which repository the blobs of the store are from. */
  readonly index: ReferenceIndex;
  /** Puts together what is fetched. */
  readonly assembler: Assembler;
}

/** How far a pull is. Blobs that another pull brings at the same time do not count. */
export class PullProgress {
  /** Bytes of blobs that have come. */
  doneBytes = 0;
  /** Bytes of the blobs that were begun. */
  totalBytes = 0;
}

type WantedBlob = Parameters<ImageSource["blob"]>[0];
type BlobOptions = Parameters<ImageSource["blob"]>[1];

/** Fetches images. Everything that fails is a `PullFailure`. */
export class Puller {
  readonly #client: OciClient;
  readonly #store: BlobStore;
  readonly #assembler: Assembler;
  readonly #given: GivenBlobs;
  /** Two tags often hold the same module. */
  readonly #downloads = new Flights<Blob>();

  constructor(options: PullerOptions) {
    this.#client = options.client;
    this.#store = options.store;
    this.#assembler = options.assembler;
    this.#given = new GivenBlobs(options);
  }

  /** Pulls one image; `known` is what an earlier pull of this reference found, if it is all here. */
  async pull(
    reference: Reference,
    options: {
      readonly credential: Credential | undefined;
      readonly known: ImageRecord | undefined;
      readonly purpose: ImagePurpose;
      readonly progress?: PullProgress;
      readonly signal: AbortSignal;
    },
  ): Promise<ImageRecord> {
    const { credential, known, purpose, progress = new PullProgress(), signal } = options;
    const { registry, repository } = reference;
    const access: Access = { registry, repository, credential };
    const wanted = target(reference);
    if (known !== undefined) {
      // HEAD costs no download, and no share of a registry's allowance of pulls.
      const digest = await this.#client.resolve(access, wanted, { signal });
      if (digest !== undefined && known.imageId === `${registry}/${repository}@${digest}`) {
        return { ...known, image: formatReference(reference) };
      }
    }
    const fetched = await this.#client.manifest(access, wanted, { signal });
    const image = formatReference(reference);
    return await this.#assembler.assemble(this.#source(access, progress), {
      image,
      fetched,
      purpose,
      signal,
    });
  }

  /** Stops every download. */
  async stop(reason: unknown): Promise<void> {
    await this.#downloads.stop(reason);
  }

  #source(access: Access, progress: PullProgress): ImageSource {
    const { registry, repository } = access;
    return {
      moduleName: repository.slice(repository.lastIndexOf("/") + 1),
      from: `registry "${registry}"`,
      imageId: (digest) => `${registry}/${repository}@${digest}`,
      manifest: (digest, signal) => this.#client.manifest(access, digest, { signal }),
      smallBlob: (digest, signal) => this.#client.smallBlob(access, digest, { signal }),
      blob: (blob, options) => this.#blob(access, blob, { ...options, progress }),
    };
  }

  async #blob(
    access: Access,
    { digest, size }: WantedBlob,
    { bytesMax, progress, signal }: BlobOptions & { readonly progress: PullProgress },
  ): Promise<Blob> {
    const present = await this.#store.find(digest, size, signal);
    if (present !== undefined && await this.#given.isKnown(access, digest)) return present;
    const { registry, repository, credential } = access;
    // By credential too: nobody fails for another pod's lack of rights.
    const key = `${digest} ${registry}/${repository} ${fingerprint(credential)}`;
    return await this.#downloads.join(key, signal, async (signal) => {
      if (present !== undefined && await this.#given.isConfirmed(access, digest, signal)) {
        return present;
      }
      return await this.#download(access, { digest, size }, { bytesMax, progress, signal });
    });
  }

  async #download(
    access: Access,
    { digest, size }: WantedBlob,
    { bytesMax, progress, signal }: BlobOptions & { readonly progress: PullProgress },
  ): Promise<Blob> {
    progress.totalBytes += size;
    const from = `registry "${access.registry}"`;
    const expected = { digest, size, bytesMax, from };
    const blob = await this.#store.add(expected, async (sink) => {
      const counted = counting(sink, progress);
      await this.#client.download(access, { digest, size }, { sink: counted, signal });
    });
    this.#given.came(access, digest);
    return blob;
  }
}

function counting(sink: Sink, progress: PullProgress): Sink {
  return {
    get size(): number {
      return sink.size;
    },
    write: async (bytes) => {
      progress.doneBytes += bytes.length;
      await sink.write(bytes);
    },
    restart: async () => {
      progress.doneBytes -= sink.size;
      await sink.restart();
    },
  };
}
