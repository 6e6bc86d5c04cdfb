/**
 * From an image reference to a verified module file on disk.
 *
 * @module
 */
import type { Secret } from "../api/types.ts";
import { KubeletError } from "../errors.ts";
import { credentialsFor } from "./credentials/credentials.ts";
import { type Credential, fingerprint } from "./oci/credential.ts";
import { PullFailure } from "./oci/failure.ts";
import { Flights } from "./flights.ts";
import { PULL_MS_MAX } from "./limits.ts";
import { addLocalFile, type LocalModules, localPath } from "./layout/local_file.ts";
import { UnsupportedImage } from "./layout/manifest.ts";
import { Puller } from "./pull.ts";
import {
  defaultPullPolicy,
  formatReference,
  parseReference,
  type Reference,
} from "./oci/reference.ts";
import { type ImageRecord, ReferenceIndex } from "./store/reference_index.ts";
import { Registry } from "./oci/registry.ts";
import { BlobStore } from "./store/store.ts";
import { type Fetch, Transport } from "./oci/transport.ts";
import { WASM_HEAD_BYTES, type WasmKind, wasmKind } from "./layout/wasm_kind.ts";

export type { LocalModules } from "./layout/local_file.ts";
export type { Fetch } from "./oci/transport.ts";
export type { WasmKind } from "./layout/wasm_kind.ts";

/** `imagePullPolicy` of a container. */
export type PullPolicy = "Always" | "IfNotPresent" | "Never";

/** What a container asks for. */
export interface ImageRequest {
  /**
   * As in the manifest: a reference, or a local file (`file:./app.wasm`, `fs//srv/app.wasm`). A file
   * is read anew each time, whatever the policy.
   */
  readonly image: string;
  /** When to ask the registry. @default {"Always" for the tag `latest` or none, else "IfNotPresent"} */
  readonly policy?: PullPolicy;
  /** The pod's `imagePullSecrets`, already fetched, in their order. */
  readonly secrets: readonly Secret[];
}

/** What the caller wants to hear meanwhile. */
export interface EnsureHooks {
  /** The registry is about to be asked, for this caller or for another that wants the same. */
  onPull?(): void;
}

/** An image that can be run. */
export interface ImageOnDisk {
  /** In the normal form, as for `status.image`; a local file as it was written. */
  readonly image: string;
  /**
   * As for `status.imageID`: `registry/repository@sha256:…` with the digest that the reference stands
   * for (of the index, where there is one); for a local file `sha256:…` of the module.
   */
  readonly imageId: string;
  /** Absolute path of the module's bytes, which never change, and their digest. */
  readonly module: { readonly path: string; readonly digest: string };
  /** For argv[0]: the file name that the layer bears, or else the last part of the repository. */
  readonly moduleName: string;
  /** Size of the module. */
  readonly sizeBytes: number;
  /** True if the registry was asked, even if it then had nothing new. */
  readonly pulled: boolean;
  /** Wall time of this call in milliseconds, other callers' share of the work included. */
  readonly tookMs: number;
  /** A core module or a component, by the first bytes. */
  readonly kind?: WasmKind;
  /** Entrypoint of the image's config, if it has one: a container's `command` replaces it. */
  readonly entrypoint?: readonly string[];
  /** Cmd of the image's config, if it has one: a container's `args` replace it. */
  readonly cmd?: readonly string[];
  /** Env of the image's config, if it has any. */
  readonly imageEnv?: Readonly<Record<string, string>>;
}

/** Where containers get their modules from. */
export interface Images {
  /**
   * Makes sure that the image is on disk as the policy says.
   *
   * Rejects with a `KubeletError`: `image_name`, `image_never`, or `image_pull`, the latter with reason
   * `UnsupportedImage` where no further try will help. Rejects with the signal's reason when aborted.
   */
  ensure(
    request: ImageRequest,
    options: { readonly signal: AbortSignal } & EnsureHooks,
  ): Promise<ImageOnDisk>;
}

/** Options of an {@linkcode ImageStore}. */
export interface ImageStoreOptions {
  /** Folder for the blobs and the index; made when it is first needed. */
  readonly dir: string;
  /** `insecure`: registries, as `host` or `host:port`, that speak plain HTTP. */
  readonly registries: { readonly insecure: readonly string[] };
  /** Whether local files may be images. */
  readonly localModules: LocalModules;
  /** Sends the requests. @default {the runtime's own, with HTTP clients that `close` closes} */
  readonly fetch?: Fetch;
  /** Milliseconds before the second try of a request. @default {RETRY_MS} */
  readonly retryMs?: number;
}

/** Images of registries and of this machine, kept by digest. Constructing one does nothing yet. */
export class ImageStore implements Images, AsyncDisposable {
  readonly #localModules: LocalModules;
  readonly #store: BlobStore;
  readonly #index: ReferenceIndex;
  readonly #transport: Transport;
  readonly #puller: Puller;
  readonly #pulls = new Flights<ImageRecord>();

  /** Reads nothing and opens nothing yet. */
  constructor(options: ImageStoreOptions) {
    const { dir, registries, retryMs } = options;
    this.#localModules = options.localModules;
    this.#store = new BlobStore(dir);
    this.#index = new ReferenceIndex(dir);
    this.#transport = new Transport({ fetch: options.fetch });
    const registry = new Registry({
      transport: this.#transport,
      insecure: registries.insecure,
      retryMs,
    });
    this.#puller = new Puller({ registry, store: this.#store, retryMs });
  }

  /** See {@linkcode Images.ensure}. */
  async ensure(
    request: ImageRequest,
    options: { readonly signal: AbortSignal } & EnsureHooks,
  ): Promise<ImageOnDisk> {
    const fromMs = performance.now();
    options.signal.throwIfAborted();
    const path = localPath(request.image);
    const found = path === undefined
      ? await this.#fromRegistry(request, options)
      : await this.#fromFile(request.image, path, options.signal);
    return { ...found, tookMs: performance.now() - fromMs };
  }

  /** Stops pulls that are under way and closes the connections. */
  async close(): Promise<void> {
    const reason = new DOMException("The image store is closed", "AbortError");
    await this.#pulls.stop(reason);
    await this.#puller.stop(reason);
    this.#transport.close();
  }

  /** The same as {@linkcode ImageStore.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #fromRegistry(
    request: ImageRequest,
    options: { readonly signal: AbortSignal } & EnsureHooks,
  ): Promise<Omit<ImageOnDisk, "tookMs">> {
    const reference = parseReference(request.image);
    try {
      return await this.#follow(request, { ...options, reference });
    } catch (error) {
      throw pullError(error, formatReference(reference));
    }
  }

  async #follow(
    request: ImageRequest,
    options: { readonly reference: Reference; readonly signal: AbortSignal } & EnsureHooks,
  ): Promise<Omit<ImageOnDisk, "tookMs">> {
    const { reference } = options;
    const policy = request.policy ?? defaultPullPolicy(reference);
    const known = await this.#present(reference, options.signal);
    switch (decidePull(policy, known !== undefined)) {
      case "use":
        return await this.#onDisk(known!, false);
      case "refuse":
        throw new KubeletError(
          "image_never",
          `Cannot use image "${formatReference(reference)}": it is not on this node, and ` +
            `imagePullPolicy Never forbids to pull it`,
        );
      case "pull": {
        const credentials = credentialsFor(reference, request.secrets);
        options.onPull?.();
        const key = [formatReference(reference), ...credentials.map(fingerprint)].join(" ");
        const record = await this.#pulls.join(key, options.signal, (signal) => {
          return this.#pull(reference, { credentials, known, signal });
        });
        return await this.#onDisk(record, true);
      }
    }
  }

  /** Tries the credentials in turn, as the kubelet does; without any, anonymously. */
  async #pull(
    reference: Reference,
    options: {
      readonly credentials: readonly Credential[];
      readonly known: ImageRecord | undefined;
      readonly signal: AbortSignal;
    },
  ): Promise<ImageRecord> {
    const { credentials, known } = options;
    const late = new AbortController();
    const timer = setTimeout(() => {
      late.abort(new PullFailure(`it took more than ${PULL_MS_MAX / 60_000} minutes`));
    }, PULL_MS_MAX);
    const signal = AbortSignal.any([options.signal, late.signal]);
    try {
      for (let i = 0;; i++) {
        try {
          const credential = credentials[i];
          const record = await this.#puller.pull(reference, { credential, known, signal });
          await this.#index.put(record);
          return record;
        } catch (error) {
          if (i + 1 >= credentials.length || !isDenied(error)) throw error;
        }
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async #fromFile(
    image: string,
    path: string,
    signal: AbortSignal,
  ): Promise<Omit<ImageOnDisk, "tookMs">> {
    const { blob: { digest, size }, moduleName } = await addLocalFile(image, {
      path,
      localModules: this.#localModules,
      store: this.#store,
      signal,
    });
    const record = { image, imageId: digest, module: { digest, size }, moduleName };
    return await this.#onDisk(record, false);
  }

  /** What the index knows of this reference, if its module is here and sound. */
  async #present(reference: Reference, signal: AbortSignal): Promise<ImageRecord | undefined> {
    const record = await this.#index.find(reference);
    if (record === undefined) return undefined;
    const { digest, size } = record.module;
    const blob = await this.#store.find(digest, size, signal);
    return blob === undefined ? undefined : { ...record, image: formatReference(reference) };
  }

  async #onDisk(record: ImageRecord, pulled: boolean): Promise<Omit<ImageOnDisk, "tookMs">> {
    const { module: { digest, size }, ...rest } = record;
    const path = this.#store.path(digest);
    const kind = wasmKind(await this.#store.head({ path, digest, size }, WASM_HEAD_BYTES));
    return {
      ...rest,
      module: { path, digest },
      sizeBytes: size,
      pulled,
      ...(kind === undefined ? {} : { kind }),
    };
  }
}

/** What the policy says to do. Touches nothing. */
export function decidePull(policy: PullPolicy, present: boolean): "use" | "pull" | "refuse" {
  if (policy === "Always") return "pull";
  if (present) return "use";
  return policy === "Never" ? "refuse" : "pull";
}

/** Another credential may see what this one does not; many registries call that "not found". */
function isDenied(error: unknown): boolean {
  return error instanceof PullFailure && [401, 403, 404].includes(error.status ?? 0);
}

/** Says for which image it was; what is no failure of the pull stays as it is. */
function pullError(error: unknown, image: string): unknown {
  if (!(error instanceof PullFailure)) return error;
  const verb = error instanceof UnsupportedImage ? "run" : "pull";
  return new KubeletError("image_pull", `Cannot ${verb} image "${image}": ${error.message}`, {
    cause: error,
    ...(error instanceof UnsupportedImage ? { reason: "UnsupportedImage" } : {}),
  });
}
