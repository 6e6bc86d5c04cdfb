/**
 * What a push sends, and in which order: blobs, and then what names them.
 *
 * @module
 */
import type { ModuleTerms } from "../../provider.ts";
import type { OciClient } from "../oci/client.ts";
import { formatReference, type Reference, target } from "../oci/reference.ts";
import type { BlobSource } from "../oci/source.ts";
import type { Access } from "../oci/tokens.ts";
import type { Pushed } from "../oci/upload.ts";
import type { Document } from "./artifact.ts";
import type { Transfers } from "./transfers.ts";

/** A layer, and what a person is told that it is. */
export interface Layer {
  readonly title: string;
  readonly source: BlobSource;
}

/** Everything that belongs to one image. */
export interface Parcel {
  readonly layers: readonly Layer[];
  readonly configs: readonly BlobSource[];
  /** What an index names, those before others that need them. */
  readonly children: readonly (Document & { readonly digest: string })[];
  /** The image itself. */
  readonly manifest: Document;
  /** In one repository. */
  readonly names: readonly Reference[];
}

/** How what is pushed is looked at, and who is told. */
export interface Packing {
  readonly signal: AbortSignal;
  readonly terms: ModuleTerms;
  readonly transfers: Transfers;
}

/** Layers that are sent at once: as many as container tools send. */
const LAYERS_AT_ONCE = 3;

/** One push as one user. */
export class Push {
  readonly #client: OciClient;
  readonly #access: Access;
  readonly #transfers: Transfers;
  readonly #signal: AbortSignal;

  /** Sends nothing yet. */
  constructor(
    client: OciClient,
    access: Access,
    { transfers, signal }: { readonly transfers: Transfers; readonly signal: AbortSignal },
  ) {
    this.#client = client;
    this.#access = access;
    this.#transfers = transfers;
    this.#signal = signal;
  }

  /** Sends all of it; in `hows` what became of each layer. Everything that fails is a `PullFailure`. */
  async send(
    { layers, configs, children, manifest, names }: Parcel,
  ): Promise<{ digest: string; hows: Pushed[] }> {
    const signal = this.#signal;
    const hows: Pushed[] = [];
    const waiting = [...layers.keys()];
    const sendNext = async (): Promise<void> => {
      for (let i = waiting.shift(); i !== undefined; i = waiting.shift()) {
        try {
          hows[i] = await this.#sendLayer(layers[i]!);
        } catch (error) {
          waiting.length = 0;
          throw error;
        }
      }
    };
    const results = await Promise.allSettled(Array.from({ length: LAYERS_AT_ONCE }, sendNext));
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    for (const config of configs) await this.#client.pushBlob(this.#access, config, { signal });
    for (const child of children) {
      await this.#client.pushManifest(this.#access, child, { signal, tag: child.digest });
    }
    let digest = "";
    for (const name of names) {
      const tag = target(name);
      ({ digest } = await this.#client.pushManifest(this.#access, manifest, { signal, tag }));
      this.#transfers.note(`Pushed ${formatReference(name)}`);
    }
    return { digest, hows };
  }

  async #sendLayer({ title, source }: Layer): Promise<Pushed> {
    using transfer = this.#transfers.begin(title, source.size);
    const how = await this.#client.pushBlob(this.#access, source, {
      signal: this.#signal,
      onProgress: (bytes) => transfer.at(bytes),
    });
    transfer.end(how === "present" ? "already there" : how);
    return how;
  }
}
