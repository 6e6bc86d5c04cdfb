/**
 * From an image reference to a verified module file on disk.
 *
 * @module
 */
import type { Secret } from "../api/types.ts";
import type { ModuleTerms } from "../provider.ts";
import { Assembler } from "./assemble.ts";
import { Keyring } from "./credentials/keyring.ts";
import type { PullingPod } from "./credentials/provider.ts";
import type { Verification } from "./credentials/verification.ts";
import { MODULE_BYTES_MAX } from "./limits.ts";
import type { LocalModules } from "./layout/local_file.ts";
import { type Tree, TreeStore } from "./layout/tree_store.ts";
import { diskFullError, pullError, referenceOf } from "./image_errors.ts";
import { LocalImages } from "./local_images.ts";
import { mirrorLogins } from "./mirror_logins.ts";
import { Puller, type PullProgress } from "./pull.ts";
import { PullGate, type PullLimits } from "./pull_gate.ts";
import { type Gotten, type PullPolicy, RegistryImages } from "./registry_images.ts";
import { ImageGuard } from "./signing/guard.ts";
import type { ImagePolicy } from "./signing/policy.ts";
import { Inventory } from "./store/inventory.ts";
import { StoreLock } from "./store/store_lock.ts";
import { formatReference } from "./oci/reference.ts";
import { imageBytes, type ImagePurpose, type ImageRecord } from "./store/image_record.ts";
import { ReferenceIndex } from "./store/reference_index.ts";
import { BlobStore } from "./store/store.ts";
import { OciClient, type OciClientOptions } from "./oci/client.ts";
import type { Registries } from "./oci/places.ts";
import type { Fetch } from "./oci/transport.ts";
import { WASM_HEAD_BYTES, type WasmKind, wasmKind } from "./layout/wasm_kind.ts";

export type { LocalModules } from "./layout/local_file.ts";
export type { Fetch } from "./oci/transport.ts";
export type { WasmKind } from "./layout/wasm_kind.ts";

export type { PullProgress } from "./pull.ts";
export type { PullLimits } from "./pull_gate.ts";
export { decidePull, type PullPolicy } from "./registry_images.ts";

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
  /** Whom the image is for: credential providers may work with its service account. */
  readonly pod?: PullingPod;
}

/** What the caller wants to hear meanwhile. */
export interface EnsureHooks {
  /** The registry is about to be asked, for this caller or for another that wants the same. */
  onPull?(): void;
  /** A pull takes long; told every `progressMs`. */
  onProgress?(progress: PullProgress): void;
  /** Milliseconds between two words about a pull. @default {PROGRESS_MS} */
  readonly progressMs?: number;
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
  /**
   * Absolute path of the module's bytes, which never change, and their digest. Absent for an image that
   * is a tree of files: what is run is one of them.
   */
  readonly module?: { readonly path: string; readonly digest: string };
  /** The files of the container's root; absent for an empty root. */
  readonly tree?: Tree & {
    /** True for files that are data of the module: the guest changes nothing beside them. */
    readonly readOnly: boolean;
  };
  /** For argv[0]: the file name that the layer bears, or else the last part of the repository. */
  readonly moduleName: string;
  /** Size of the module, and of the layers of files as they were sent. */
  readonly sizeBytes: number;
  /** True if the registry was asked, even if it then had nothing new. */
  readonly pulled: boolean;
  /** Wall time of this call in milliseconds, other callers' share of the work included. */
  readonly tookMs: number;
  /** What of it the pull took, without the wait for its turn; 0 if there was none. */
  readonly pullMs: number;
  /** A core module or a component, by the first bytes. */
  readonly kind?: WasmKind;
  /** Entrypoint of the image's config, if it has one: a container's `command` replaces it. */
  readonly entrypoint?: readonly string[];
  /** Cmd of the image's config, if it has one: a container's `args` replace it. */
  readonly cmd?: readonly string[];
  /** Env of the image's config, if it has any. */
  readonly imageEnv?: Readonly<Record<string, string>>;
  /** WorkingDir of the image's config, if it has one other than `/`. */
  readonly workingDir?: string;
  /** User of the image's config; empty, which is root, if it names none. Absent for an artifact. */
  readonly user?: string;
  /** StopSignal of the image's config, if it has one: a signal's name or number. */
  readonly stopSignal?: string;
}

/** Where containers get their modules from. */
export interface Images {
  /**
   * Makes sure that the image is on disk as the policy says.
   *
   * Rejects with a `KubeletError`: `image_name`, `image_never`, or `image_pull`, the latter with reason
   * `UnsupportedImage` where no further try will help, `RegistryUnavailable` where the registry was not
   * reached or is in trouble, and `SignatureValidationFailed`. Rejects with the signal's reason when aborted.
   */
  ensure(
    request: ImageRequest,
    options: { readonly signal: AbortSignal } & EnsureHooks,
  ): Promise<ImageOnDisk>;
}

/** All files of an image, as a volume has them. */
export interface ImageFolder {
  /** See {@linkcode ImageOnDisk}. */
  readonly imageId: string;
  /** Absolute path of the folder. Nothing in it ever changes. */
  readonly path: string;
  /** True if the registry was asked. */
  readonly pulled: boolean;
}

/** Where image volumes get their files from. */
export interface ImageFolders {
  /**
   * Makes sure that the files of the image are on disk as the policy says, whatever it was made to run on.
   *
   * Rejects as {@linkcode Images.ensure} does.
   */
  folder(
    request: ImageRequest,
    options: { readonly signal: AbortSignal } & EnsureHooks,
  ): Promise<ImageFolder>;
}

/** Options of an {@linkcode ImageStore}. */
export interface ImageStoreOptions {
  /** Folder for the blobs and the index; made when it is first needed. */
  readonly dir: string;
  /** Plain HTTP, mirrors, authorities and client certificates, by registry. */
  readonly registries: Registries & Pick<OciClientOptions, "trust" | "userAgent">;
  /** Whether local files may be images. */
  readonly localModules: LocalModules;
  /** Which modules can be run. @default {all, up to MODULE_BYTES_MAX} */
  readonly takes?: ModuleTerms | undefined;
  /** Where credentials are from besides pull secrets. @default {nowhere} */
  readonly keyring?: Keyring | undefined;
  /** Whose images must be proven. @default {as a kubelet: those that this node has pulled itself} */
  readonly verification?: Verification | undefined;
  /** How many pulls there may be. @default {any number} */
  readonly pulls?: PullLimits | undefined;
  /** Gives the newest image policy each time it is asked. @default {every image is taken} */
  readonly policy?: (() => Promise<ImagePolicy>) | undefined;
  /** An image could not be brought because the disk is full. @default {nobody makes room} */
  readonly onDiskFull?: (() => void) | undefined;
  /** Sends the requests. @default {the runtime's own, with HTTP clients that `close` closes} */
  readonly fetch?: Fetch;
  /** Milliseconds before the second try of a request. @default {RETRY_MS} */
  readonly retryMs?: number;
}

/** Images of registries and of this machine, kept by digest. Constructing one does nothing yet. */
export class ImageStore implements Images, ImageFolders, AsyncDisposable {
  readonly #store: BlobStore;
  readonly #trees: TreeStore;
  readonly #assembler: Assembler;
  readonly #local: LocalImages;
  readonly #client: OciClient;
  readonly #puller: Puller;
  readonly #registry: RegistryImages;
  readonly #lock: StoreLock;
  readonly #onDiskFull: (() => void) | undefined;
  /** Calls of {@linkcode ensure} that are under way. */
  /** When each image that is being brought was begun with. */
  readonly #ensuring = new Set<{ readonly fromMs: number }>();
  /** What is in the store, and how it is removed. */
  readonly inventory: Inventory;

  /** Reads nothing and opens nothing yet. */
  constructor(options: ImageStoreOptions) {
    const { dir, registries, localModules, retryMs } = options;
    const terms = options.takes ?? { bytesMax: MODULE_BYTES_MAX, components: true };
    this.#lock = new StoreLock(dir);
    this.#store = new BlobStore(dir, this.#lock);
    this.#trees = new TreeStore(dir);
    this.#assembler = new Assembler({ store: this.#store, trees: this.#trees, terms });
    this.#local = new LocalImages({
      localModules,
      terms,
      store: this.#store,
      assembler: this.#assembler,
    });
    const index = new ReferenceIndex(dir, this.#lock);
    this.#onDiskFull = options.onDiskFull;
    this.inventory = new Inventory({
      dir,
      index,
      store: this.#store,
      lock: this.#lock,
      busySinceMs: () => Math.min(...[...this.#ensuring].map(({ fromMs }) => fromMs)),
    });
    const keyring = options.keyring ?? new Keyring();
    this.#client = new OciClient({
      ...registries,
      mirrorLogin: mirrorLogins(keyring),
      fetch: options.fetch,
      retryMs,
    });
    this.#puller = new Puller({
      client: this.#client,
      store: this.#store,
      index,
      assembler: this.#assembler,
    });
    this.#registry = new RegistryImages({
      index,
      puller: this.#puller,
      assembler: this.#assembler,
      keyring,
      gate: new PullGate(options.pulls),
      verification: options.verification ??
        { policy: "NeverVerifyPreloadedImages", allowlist: [] },
      guard: options.policy && new ImageGuard(options.policy, this.#client),
    });
  }

  /** See {@linkcode Images.ensure}. */
  async ensure(
    request: ImageRequest,
    options: { readonly signal: AbortSignal } & EnsureHooks,
  ): Promise<ImageOnDisk> {
    const fromMs = performance.now();
    const { signal } = options;
    return await this.#busy(signal, async () => {
      const { record, ...pull } = await this.#get(request, { ...options, purpose: "run" });
      const found = await this.#onDisk(record, { ...pull, signal });
      return { ...found, tookMs: performance.now() - fromMs };
    });
  }

  /** See {@linkcode ImageFolders.folder}. */
  async folder(
    request: ImageRequest,
    options: { readonly signal: AbortSignal } & EnsureHooks,
  ): Promise<ImageFolder> {
    const { signal } = options;
    return await this.#busy(signal, async () => {
      const { record, pulled } = await this.#get(request, { ...options, purpose: "volume" });
      const { imageId, tree = { parts: [], readOnly: true } } = record;
      const { path } = await this.#treeOnDisk(tree, signal);
      return { imageId, path, pulled };
    });
  }

  /** Stops pulls that are under way and closes the connections. */
  async close(): Promise<void> {
    const reason = new DOMException("The image store is closed", "AbortError");
    await this.#registry.stop(reason);
    await this.#puller.stop(reason);
    await this.#trees.stop(reason);
    this.#client.close();
    this.#lock.close();
  }

  /** The same as {@linkcode ImageStore.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Nothing is swept away meanwhile; a disk that is full is told of. */
  async #busy<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const begun = { fromMs: Date.now() };
    this.#ensuring.add(begun);
    try {
      return await work();
    } catch (error) {
      throw diskFullError(error, this.#onDiskFull);
    } finally {
      this.#ensuring.delete(begun);
    }
  }

  async #get(
    request: ImageRequest,
    options: { readonly purpose: ImagePurpose; readonly signal: AbortSignal } & EnsureHooks,
  ): Promise<Gotten> {
    const local = await this.#local.find(request.image, options);
    if (local !== undefined) {
      if (local.tree !== undefined) this.inventory.hold(local.tree.parts);
      return { record: local, pulled: false, pullMs: 0 };
    }
    const reference = referenceOf(request.image);
    try {
      const gotten = await this.#registry.get(reference, { ...request, ...options });
      this.inventory.touch(gotten.record);
      return gotten;
    } catch (error) {
      throw pullError(error, formatReference(reference));
    }
  }

  async #onDisk(
    record: ImageRecord,
    { signal, ...pull }: {
      readonly pulled: boolean;
      readonly pullMs: number;
      readonly signal: AbortSignal;
    },
  ): Promise<Omit<ImageOnDisk, "tookMs">> {
    const { module, tree, ...rest } = record;
    return {
      ...rest,
      ...(module === undefined ? {} : await this.#moduleOnDisk(module)),
      ...(tree === undefined ? {} : { tree: await this.#treeOnDisk(tree, signal) }),
      sizeBytes: imageBytes(record),
      ...pull,
    };
  }

  async #moduleOnDisk(
    { digest, size }: NonNullable<ImageRecord["module"]>,
  ): Promise<Pick<ImageOnDisk, "module" | "kind">> {
    const path = this.#store.path(digest);
    const kind = wasmKind(await this.#store.head({ path, digest, size }, WASM_HEAD_BYTES));
    return { module: { path, digest }, ...(kind === undefined ? {} : { kind }) };
  }

  async #treeOnDisk(
    { parts, readOnly }: NonNullable<ImageRecord["tree"]>,
    signal: AbortSignal,
  ): Promise<NonNullable<ImageOnDisk["tree"]>> {
    const blobPath = (digest: string): string => this.#store.path(digest);
    return { ...await this.#trees.ensure(parts, { blobPath, signal }), readOnly };
  }
}
