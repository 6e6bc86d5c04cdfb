/**
 * ConfigMaps, Secrets and tokens from the cluster, for many pods at the price of few requests.
 *
 * @module
 */
import { isNotFound } from "./api_error.ts";
import type { ApiClient } from "./client.ts";
import type { ListWatchOptions } from "./list_watch.ts";
import { type ObjectRef, objectRefs } from "./object_refs.ts";
import { ClusterStorage } from "./cluster_storage.ts";
import type {
  ObjectSource,
  ServiceScope,
  ServicesOptions,
  StorageSource,
} from "./object_source.ts";
import { runtimeClassPath, serviceAccountPath, serviceAccountTokenPath } from "./paths.ts";
import { serviceScopes, ServiceWatches } from "./service_watches.ts";
import { retryForbidden, SharedObject } from "./shared_object.ts";
import type {
  ConfigMap,
  KubeObject,
  Pod,
  RuntimeClass,
  Secret,
  Service,
  TokenRequest,
} from "./types.ts";

/** An object that somebody has read is another now. */
export interface ObjectChange extends ObjectRef {
  /** The new version; `undefined` when it is gone. */
  readonly object: ConfigMap | Secret | undefined;
}

/** How to be told of trouble; the rest is for tests. */
export interface ClusterObjectsOptions {
  /** Told of every failure of a watch. Reads go to the server meanwhile. */
  readonly onError?: (ref: ObjectRef, error: unknown, retryInMs: number) => void;
  /** @default {WATCHES_MAX} */
  readonly watchesMax?: number;
  readonly timings?: Pick<ListWatchOptions, "random" | "sleep" | "silenceMs">;
}

/** Each watch keeps a connection. Objects beyond are read from the server each time. */
export const WATCHES_MAX = 256;

/**
 * Reads objects by name, as the Node authorizer allows it. Requests for the same object share one
 * flight; while pods hold an object it is watched, and reads are answered from memory.
 */
export class ClusterObjects implements ObjectSource, AsyncDisposable {
  /** See {@linkcode ObjectSource}. */
  readonly storage: StorageSource;
  readonly #client: ApiClient;
  readonly #options: ClusterObjectsOptions;
  readonly #shared = new Map<string, { readonly object: SharedObject; holders: number }>();
  readonly #listeners = new Set<(change: ObjectChange) => void>();
  readonly #services: ServiceWatches;
  readonly #controller = new AbortController();
  readonly #ending = new Set<Promise<void>>();

  constructor(client: ApiClient, options: ClusterObjectsOptions = {}) {
    this.#client = client;
    this.#options = options;
    this.storage = new ClusterStorage(client);
    const { timings } = options;
    this.#services = new ServiceWatches(client, timings === undefined ? {} : { timings });
  }

  /** The ConfigMap, or `undefined`. A 403 rejects with an error that explains the Node authorizer. */
  async configMap(
    namespace: string,
    name: string,
    signal?: AbortSignal,
  ): Promise<ConfigMap | undefined> {
    return await this.#read({ kind: "ConfigMap", namespace, name }, signal);
  }

  /** The Secret, or `undefined`. A 403 rejects with an error that explains the Node authorizer. */
  async secret(
    namespace: string,
    name: string,
    signal?: AbortSignal,
  ): Promise<Secret | undefined> {
    return await this.#read({ kind: "Secret", namespace, name }, signal);
  }

  /** A new token; nothing is kept. A node must bind it to a pod of its own (`boundObjectRef`). */
  async token(
    namespace: string,
    serviceAccount: string,
    spec: TokenRequest["spec"],
    signal?: AbortSignal,
  ): Promise<NonNullable<TokenRequest["status"]>> {
    const path = serviceAccountTokenPath(namespace, serviceAccount);
    const request: TokenRequest = {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec,
    };
    const { status } = await retryForbidden(
      () => this.#client.create<TokenRequest>(path, request, { signal }),
      signal,
    );
    if (status === undefined || status.token === "") {
      throw new Error(
        `Cannot get a token of "${namespace}/${serviceAccount}": the answer has none`,
      );
    }
    return status;
  }

  /** The RuntimeClass, or `undefined`; nothing is kept, because few pods name one. */
  async runtimeClass(name: string, signal?: AbortSignal): Promise<RuntimeClass | undefined> {
    try {
      return await this.#client.get<RuntimeClass>(runtimeClassPath(name), { signal });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** The ServiceAccount, or `undefined`; nothing is kept, because few pulls ask for one. */
  async serviceAccount(
    namespace: string,
    name: string,
    signal?: AbortSignal,
  ): Promise<KubeObject | undefined> {
    try {
      const path = serviceAccountPath(namespace, name);
      return await retryForbidden(() => this.#client.get<KubeObject>(path, { signal }), signal);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Keeps the object watched until it is disposed. */
  hold(ref: ObjectRef): Disposable {
    this.#controller.signal.throwIfAborted();
    const key = keyOf(ref);
    const entry = this.#entry(ref);
    entry.holders++;
    if (this.#watches() < (this.#options.watchesMax ?? WATCHES_MAX)) entry.object.startWatch();
    let held = true;
    return {
      [Symbol.dispose]: (): void => {
        if (!held) return;
        held = false;
        entry.holders--;
        if (entry.holders === 0) this.#end(entry.object.stopWatch());
        this.#forget(key);
      },
    };
  }

  /** The Services that have an address: see {@linkcode ServiceWatches.read}. */
  async services(scope: ServiceScope, options: ServicesOptions): Promise<readonly Service[]> {
    this.#controller.signal.throwIfAborted();
    return await this.#services.read(scope, options);
  }

  /** Keeps everything that the pod names, and its Services, watched until it is disposed. */
  holdPod(pod: Pod): Disposable {
    const stack = new DisposableStack();
    for (const ref of objectRefs(pod)) stack.use(this.hold(ref));
    for (const scope of serviceScopes(pod)) stack.use(this.#services.hold(scope));
    return stack;
  }

  /**
   * Tells of objects that are held, have been read, and are another now. An object beyond
   * {@linkcode WATCHES_MAX} is not told of: read again from time to time.
   */
  subscribe(listener: (change: ObjectChange) => void): Disposable {
    // A function of its own, so that the same listener may come twice.
    const own = (change: ObjectChange): void => listener(change);
    this.#listeners.add(own);
    return { [Symbol.dispose]: () => void this.#listeners.delete(own) };
  }

  /** The same for the objects that a pod names: `listener` is called when one of them is another. */
  subscribePod(pod: Pod, listener: () => void): Disposable {
    const keys = new Set(objectRefs(pod).map(keyOf));
    return this.subscribe((change) => {
      if (keys.has(keyOf(change))) listener();
    });
  }

  /** Ends all watches and requests; resolves when they are closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#controller.abort(new Error("The agent is stopping"));
    for (const { object } of this.#shared.values()) this.#end(object.stopWatch());
    await Promise.all([...this.#ending, this.#services[Symbol.asyncDispose]()]);
  }

  async #read(ref: ObjectRef, signal?: AbortSignal): Promise<ConfigMap | Secret | undefined> {
    this.#controller.signal.throwIfAborted();
    return await this.#entry(ref).object.read(signal);
  }

  #entry(ref: ObjectRef): { readonly object: SharedObject; holders: number } {
    const key = keyOf(ref);
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const { onError, timings } = this.#options;
    const object = new SharedObject(this.#client, {
      ref,
      signal: this.#controller.signal,
      onChange: (object) => {
        for (const listener of this.#listeners) listener({ ...ref, object });
      },
      onIdle: () => this.#forget(key),
      onError: onError && ((error, retryInMs) => onError(ref, error, retryInMs)),
      ...(timings === undefined ? {} : { timings }),
    });
    const entry = { object, holders: 0 };
    this.#shared.set(key, entry);
    return entry;
  }

  /** Drops the object unless somebody holds it or waits for it. */
  #forget(key: string): void {
    const entry = this.#shared.get(key);
    if (entry !== undefined && entry.holders === 0 && !entry.object.busy) this.#shared.delete(key);
  }

  #watches(): number {
    let count = 0;
    for (const { object } of this.#shared.values()) if (object.watching) count++;
    return count;
  }

  #end(ending: Promise<void>): void {
    const done = ending.finally(() => this.#ending.delete(done));
    this.#ending.add(done);
  }
}

function keyOf(ref: ObjectRef): string {
  return `${ref.kind}/${ref.namespace}/${ref.name}`;
}
