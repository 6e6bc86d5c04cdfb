/**
 * One pull: from a reference and one credential to a module in the store.
 *
 * @module
 */
import { type Credential, fingerprint } from "./oci/credential.ts";
import { PullFailure } from "./oci/failure.ts";
import { Flights } from "./flights.ts";
import { MANIFEST_BYTES_MAX, MODULE_BYTES_MAX } from "./limits.ts";
import {
  chooseManifest,
  chooseModule,
  type Descriptor,
  type Manifest,
  parseImageConfig,
  parseManifest,
  unsupported,
} from "./layout/manifest.ts";
import type { ImageRecord } from "./store/reference_index.ts";
import { formatReference, type Reference, target } from "./oci/reference.ts";
import type { Access, FetchedManifest, Registry } from "./oci/registry.ts";
import { withRetries } from "./oci/retry.ts";
import type { Blob, BlobStore } from "./store/store.ts";
import { describeHead, WASM_HEAD_BYTES, wasmKind } from "./layout/wasm_kind.ts";

/** Options of a {@linkcode Puller}. */
export interface PullerOptions {
  readonly registry: Registry;
  readonly store: BlobStore;
  /** Milliseconds before the second try. */
  readonly retryMs?: number | undefined;
}

/** Fetches images. Everything that fails is a `PullFailure`. */
export class Puller {
  readonly #registry: Registry;
  readonly #store: BlobStore;
  readonly #retryMs: number | undefined;
  /** Two tags often hold the same module. */
  readonly #downloads = new Flights<Blob>();

  constructor(options: PullerOptions) {
    this.#registry = options.registry;
    this.#store = options.store;
    this.#retryMs = options.retryMs;
  }

  /** Pulls one image; `known` is what an earlier pull of this reference found, if it is all here. */
  async pull(
    reference: Reference,
    options: {
      readonly credential: Credential | undefined;
      readonly known: ImageRecord | undefined;
      readonly signal: AbortSignal;
    },
  ): Promise<ImageRecord> {
    const { credential, known, signal } = options;
    const { registry, repository } = reference;
    const access: Access = { registry, repository, credential };
    const wanted = target(reference);
    if (known !== undefined) {
      // HEAD costs no download, and no share of a registry's allowance of pulls.
      const digest = await this.#registry.resolve(access, wanted, signal);
      if (digest !== undefined && known.imageId === `${registry}/${repository}@${digest}`) {
        return { ...known, image: formatReference(reference) };
      }
    }
    const fetched = await this.#manifest(access, wanted, signal);
    const image = await this.#imageManifest(access, fetched, signal);
    const { module, title, hasImageConfig } = chooseModule(image) ??
      await this.#refuseTree(access, image.config, signal);
    const blob = await this.#module(access, module, signal);
    const head = await this.#store.head(blob, WASM_HEAD_BYTES);
    if (wasmKind(head) === undefined) {
      throw new PullFailure(
        `its layer of type "${module.mediaType}" is not a WebAssembly module: ${
          describeHead(head)
        }`,
      );
    }
    const config = hasImageConfig
      ? parseImageConfig(await this.#registry.smallBlob(access, image.config.digest, signal))
      : undefined;
    return {
      image: formatReference(reference),
      imageId: `${registry}/${repository}@${fetched.digest}`,
      module: { digest: module.digest, size: module.size },
      moduleName: title ?? repository.slice(repository.lastIndexOf("/") + 1),
      ...(config?.entrypoint === undefined ? {} : { entrypoint: config.entrypoint }),
      ...(config?.cmd === undefined ? {} : { cmd: config.cmd }),
      ...(config?.env === undefined ? {} : { imageEnv: config.env }),
    };
  }

  /** Stops every download. */
  async stop(reason: unknown): Promise<void> {
    await this.#downloads.stop(reason);
  }

  async #manifest(access: Access, wanted: string, signal: AbortSignal): Promise<FetchedManifest> {
    const fetched = await this.#registry.manifest(access, wanted, signal);
    const { bytes, digest } = fetched;
    const expected = {
      digest,
      size: bytes.length,
      bytesMax: MANIFEST_BYTES_MAX,
      from: `registry "${access.registry}"`,
    };
    await this.#store.add(expected, (sink) => sink.write(bytes));
    return fetched;
  }

  async #imageManifest(
    access: Access,
    { bytes, mediaType }: FetchedManifest,
    signal: AbortSignal,
  ): Promise<Extract<Manifest, { kind: "image" }>> {
    const manifest = parseManifest(bytes, mediaType);
    if (manifest.kind === "image") return manifest;
    const { digest } = chooseManifest(manifest.manifests);
    const inner = await this.#manifest(access, digest, signal);
    const image = parseManifest(inner.bytes, inner.mediaType);
    if (image.kind === "image") return image;
    throw new PullFailure("its index leads to another index, not to an image");
  }

  /** Reads the config of an image without a module layer, only to say what it was made for. */
  async #refuseTree(access: Access, config: Descriptor, signal: AbortSignal): Promise<never> {
    const bytes = await this.#registry.smallBlob(access, config.digest, signal);
    throw unsupported([parseImageConfig(bytes).platform]);
  }

  async #module(access: Access, module: Descriptor, signal: AbortSignal): Promise<Blob> {
    const { digest, size } = module;
    const present = await this.#store.find(digest, size, signal);
    if (present !== undefined) return present;
    const { registry, repository, credential } = access;
    // By credential too: nobody fails for another pod's lack of rights.
    const key = `${digest} ${registry}/${repository} ${fingerprint(credential)}`;
    return await this.#downloads.join(key, signal, (signal) => {
      return this.#download(access, module, signal);
    });
  }

  async #download(access: Access, module: Descriptor, signal: AbortSignal): Promise<Blob> {
    const { digest, size } = module;
    const from = `registry "${access.registry}"`;
    const expected = { digest, size, bytesMax: MODULE_BYTES_MAX, from };
    return await this.#store.add(expected, (sink) =>
      withRetries(async () => {
        const reply = await this.#registry.blob(access, digest, { fromByte: sink.size, signal });
        if (reply.status === 200 && sink.size > 0) await sink.restart();
        for await (const bytes of reply.chunks()) await sink.write(bytes);
        if (sink.size < size) {
          const state = `${from} sent ${sink.size} of ${size} bytes: the rest is missing`;
          throw new PullFailure(state, { retry: true });
        }
      }, { signal, retryMs: this.#retryMs }));
  }
}
