/**
 * One object of the cluster that many pods name: one request in flight, one watch while it is held.
 *
 * @module
 */
import { type ApiError, isForbidden, isNotFound } from "./api_error.ts";
import type { ApiClient } from "./client.ts";
import { delay, untilAborted } from "./deadline.ts";
import { listWatch, type ListWatchOptions } from "./list_watch.ts";
import type { ObjectRef } from "./object_refs.ts";
import { configMapPath, configMapsPath, secretPath, secretsPath } from "./paths.ts";
import type { ConfigMap, KubeObject, Secret } from "./types.ts";

/** What a {@linkcode SharedObject} is about and whom it tells. */
export interface SharedObjectOptions {
  readonly ref: ObjectRef;
  /** Told when an object that somebody has read is another now, or gone. */
  readonly onChange: (object: ConfigMap | Secret | undefined) => void;
  /** Told when a request has ended, whoever waited for it. */
  readonly onIdle: () => void;
  readonly onError?: ((error: unknown, retryInMs: number) => void) | undefined;
  /** Fires when nobody needs any object any more. */
  readonly signal: AbortSignal;
  readonly timings?: Pick<ListWatchOptions, "random" | "sleep" | "silenceMs">;
}

/** Reads one object: from its watch while that is healthy, otherwise from the server. */
export class SharedObject {
  readonly #client: ApiClient;
  readonly #options: SharedObjectOptions;
  #flight: Promise<ConfigMap | Secret | undefined> | undefined;
  #watch: Watch | undefined;
  /** What was last told to anybody; `undefined` if nothing was. */
  #told: { readonly object: ConfigMap | Secret | undefined } | undefined;

  constructor(client: ApiClient, options: SharedObjectOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** True while a watch is open or being opened. */
  get watching(): boolean {
    return this.#watch?.open === true;
  }

  /** True while a request is under way. */
  get busy(): boolean {
    return this.#flight !== undefined;
  }

  /** The object, or `undefined` if there is none. Rejects with the signal's reason when it fires. */
  async read(signal?: AbortSignal): Promise<ConfigMap | Secret | undefined> {
    signal?.throwIfAborted();
    if (this.#watch !== undefined) {
      // The list that begins the watch is as fresh as a GET: no need for both.
      await untilAborted(this.#watch.settled.promise, signal);
      if (this.#watch?.current !== undefined) {
        this.#told = this.#watch.current;
        return this.#told.object;
      }
    }
    this.#flight ??= this.#get().finally(() => {
      this.#flight = undefined;
      this.#options.onIdle();
    });
    return await untilAborted(this.#flight, signal);
  }

  /** Starts the watch. */
  startWatch(): void {
    if (this.#watch !== undefined) return;
    const watch: Watch = {
      controller: new AbortController(),
      open: true,
      settled: Promise.withResolvers(),
      current: undefined,
      last: undefined,
      done: Promise.resolve(),
    };
    this.#watch = watch;
    watch.done = this.#follow(watch);
  }

  /** Ends the watch; resolves when it is closed. */
  async stopWatch(): Promise<void> {
    const watch = this.#watch;
    this.#watch = undefined;
    watch?.controller.abort();
    watch?.settled.resolve();
    await watch?.done;
  }

  async #get(): Promise<ConfigMap | Secret | undefined> {
    const { ref, signal } = this.#options;
    const path = ref.kind === "ConfigMap"
      ? configMapPath(ref.namespace, ref.name)
      : secretPath(ref.namespace, ref.name);
    try {
      const object = await retryForbidden(
        () => this.#client.get<ConfigMap | Secret>(path, { signal }),
        signal,
      );
      this.#told = { object };
      return object;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      this.#told = { object: undefined };
      return undefined;
    }
  }

  async #follow(watch: Watch): Promise<void> {
    const { ref, signal, onError, timings } = this.#options;
    const events = listWatch<ConfigMap | Secret>(this.#client, {
      ...timings,
      path: ref.kind === "ConfigMap" ? configMapsPath(ref.namespace) : secretsPath(ref.namespace),
      fieldSelector: `metadata.name=${ref.name}`,
      signal: AbortSignal.any([signal, watch.controller.signal]),
      onError: (error, retryInMs) => {
        watch.current = undefined; // it may be stale: whoever asks now gets a fresh one
        watch.settled.resolve();
        onError?.(error, retryInMs);
      },
      onWatching: () => {
        // A GET meanwhile may have shown a newer version: then its event is still to come.
        if (isSame(this.#told?.object, watch.last?.object)) watch.current = watch.last;
      },
    });
    for await (const event of events) {
      const named = (object: ConfigMap | Secret): boolean => object.metadata?.name === ref.name;
      if (event.type !== "synced" && !named(event.object)) continue;
      const object = event.type === "synced"
        ? event.items.find(named)
        : event.type === "applied"
        ? event.object
        : undefined;
      watch.last = watch.current = { object };
      watch.settled.resolve();
      this.#tell(object);
      // Its content cannot change, and a connection is not free. As the kubelet, we accept not to
      // hear of an object that is deleted and made again while somebody holds it.
      if (object?.immutable === true) break;
    }
    watch.open = false;
    watch.settled.resolve();
  }

  #tell(object: ConfigMap | Secret | undefined): void {
    if (this.#told === undefined || isSame(this.#told.object, object)) return;
    this.#told = { object };
    this.#options.onChange(object);
  }
}

/** True if both are the same version of the same object, or both are absent. */
function isSame(a: KubeObject | undefined, b: KubeObject | undefined): boolean {
  return a?.metadata?.uid === b?.metadata?.uid &&
    a?.metadata?.resourceVersion === b?.metadata?.resourceVersion;
}

interface Watch {
  readonly controller: AbortController;
  /** False when there is nothing more to watch. */
  open: boolean;
  /** Resolves when the first list has come or failed. */
  readonly settled: PromiseWithResolvers<void>;
  /** What the watch says now; `undefined` while it has trouble. */
  current: { readonly object: ConfigMap | Secret | undefined } | undefined;
  /** What it said last, which counts again when the watch goes on from that version. */
  last: { readonly object: ConfigMap | Secret | undefined } | undefined;
  done: Promise<void>;
}

/** The Node authorizer learns of a binding by a watch of its own, so it may lag behind ours. */
const FORBIDDEN_RETRIES_MS = [100, 300, 1_000] as const;

/** Asks again for a moment when told 403, and explains the last one. */
export async function retryForbidden<T>(
  ask: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  for (const waitMs of FORBIDDEN_RETRIES_MS) {
    try {
      return await ask();
    } catch (error) {
      if (!isForbidden(error)) throw error;
    }
    await delay(waitMs, signal);
  }
  try {
    return await ask();
  } catch (error) {
    throw isForbidden(error) ? explain(error) : error;
  }
}

function explain(error: ApiError): ApiError {
  return error.withHint(
    "The Node authorizer lets a node use only what the pods that are bound to it name: check that " +
      "the pod is bound to this node, and that the agent's credentials are this node's " +
      "(system:node:NAME in group system:nodes)",
  );
}
