/**
 * The Services that containers are told of, in their environment.
 *
 * @module
 */
import type { ApiClient } from "./client.ts";
import { untilAborted } from "./deadline.ts";
import { listAll } from "./list_all.ts";
import { listWatch, type ListWatchOptions } from "./list_watch.ts";
import type { ServiceScope, ServicesOptions } from "./object_source.ts";
import { servicesPath } from "./paths.ts";
import type { Pod, Service } from "./types.ts";

/** Each watch keeps a connection. Namespaces beyond are listed at each start of a container. */
export const SERVICE_WATCHES_MAX = 64;

/** Every container is told of this one: it is how programs find the API server. */
const API_SERVICE: ServiceScope = { namespace: "default", name: "kubernetes" };

/**
 * The Services that a pod's containers are told of: those of its namespace, unless it asks for none, and
 * the API server's own. Touches nothing.
 */
export function serviceScopes(pod: Pod): ServiceScope[] {
  const { namespace = "default" } = pod.metadata ?? {};
  const links = pod.spec?.enableServiceLinks !== false;
  // In its own namespace it is one of all.
  if (links && namespace === API_SERVICE.namespace) return [{ namespace }];
  return links ? [API_SERVICE, { namespace }] : [API_SERVICE];
}

/** How to be told of trouble; the rest is for tests. */
export interface ServiceWatchesOptions {
  /** Told of every failure of a watch. What is known stays known. */
  readonly onError?: (scope: ServiceScope, error: unknown, retryInMs: number) => void;
  /** @default {SERVICE_WATCHES_MAX} */
  readonly watchesMax?: number;
  readonly timings?: Pick<ListWatchOptions, "random" | "sleep" | "silenceMs">;
}

/**
 * Knows the Services of the namespaces that have pods here, and no others; of each, what an environment
 * tells of it.
 */
export class ServiceWatches implements AsyncDisposable {
  readonly #client: ApiClient;
  readonly #options: ServiceWatchesOptions;
  readonly #watches = new Map<string, ServiceWatch>();
  readonly #ending = new Set<Promise<void>>();

  constructor(client: ApiClient, options: ServiceWatchesOptions = {}) {
    this.#client = client;
    this.#options = options;
  }

  /** Keeps these Services known until it is disposed. */
  hold(scope: ServiceScope): Disposable {
    const key = keyOf(scope);
    let watch = this.#watches.get(key);
    if (watch === undefined) {
      const { watchesMax = SERVICE_WATCHES_MAX } = this.#options;
      if (this.#watches.size >= watchesMax) return { [Symbol.dispose]: () => {} };
      watch = new ServiceWatch(this.#client, { scope, ...this.#options });
      this.#watches.set(key, watch);
    }
    const held = watch;
    let disposed = false;
    held.holders++;
    return {
      [Symbol.dispose]: (): void => {
        if (disposed) return;
        disposed = true;
        if (--held.holders > 0) return;
        this.#watches.delete(key);
        this.#end(held);
      },
    };
  }

  /**
   * The Services that have an address. Those that are held come from memory, once they are known; as a
   * kubelet does, that is good enough while the server is away. Rejects if they were never heard of.
   */
  async read(
    scope: ServiceScope,
    { knownOnly = false, signal }: ServicesOptions = {},
  ): Promise<readonly Service[]> {
    signal?.throwIfAborted();
    const watch = this.#watches.get(keyOf(scope));
    if (knownOnly) return watch?.known ?? [];
    if (watch !== undefined) return await watch.read(signal);
    const { items } = await listAll<Service>(this.#client, {
      ...collection(scope),
      ...(signal === undefined ? {} : { signal }),
    });
    return items.flatMap((service) => trim(service) ?? []);
  }

  /** Ends all watches; resolves when they are closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const watch of this.#watches.values()) this.#end(watch);
    this.#watches.clear();
    await Promise.all(this.#ending);
  }

  #end(watch: ServiceWatch): void {
    const done = watch.close().finally(() => this.#ending.delete(done));
    this.#ending.add(done);
  }
}

/** One watch, and what it has told. */
class ServiceWatch {
  holders = 0;
  readonly #services = new Map<string, Service>();
  readonly #controller = new AbortController();
  readonly #done: Promise<void>;
  /** Why there is no first list yet. */
  #trouble: unknown;
  #synced = false;
  /** Resolves at the next news, good or bad. */
  #news = Promise.withResolvers<void>();

  constructor(
    client: ApiClient,
    { scope, onError, timings }: ServiceWatchesOptions & { readonly scope: ServiceScope },
  ) {
    const events = listWatch<Service>(client, {
      ...timings,
      ...collection(scope),
      signal: this.#controller.signal,
      onError: (error, retryInMs) => {
        this.#trouble = error;
        this.#tell();
        onError?.(scope, error, retryInMs);
      },
    });
    this.#done = this.#follow(events);
  }

  get known(): readonly Service[] {
    return [...this.#services.values()];
  }

  async read(signal?: AbortSignal): Promise<readonly Service[]> {
    if (!this.#synced && this.#trouble === undefined) {
      await untilAborted(this.#news.promise, signal);
    }
    if (this.#synced) return this.known;
    throw new Error(
      "services have not yet been read at least once, cannot construct envvars",
      { cause: this.#trouble },
    );
  }

  async close(): Promise<void> {
    this.#controller.abort();
    await this.#done;
    this.#tell();
  }

  async #follow(events: ReturnType<typeof listWatch<Service>>): Promise<void> {
    for await (const event of events) {
      if (event.type === "synced") {
        this.#services.clear();
        for (const service of event.items) this.#keep(service);
        this.#synced = true;
        this.#tell();
      } else if (event.type === "applied") this.#keep(event.object);
      else this.#services.delete(event.object.metadata?.name ?? "");
    }
  }

  #keep(service: Service): void {
    const small = trim(service);
    const name = service.metadata?.name ?? "";
    if (small === undefined) this.#services.delete(name);
    else this.#services.set(name, small);
  }

  #tell(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}

/** What an environment tells of a Service; nothing of one without an address. */
function trim({ metadata, spec }: Service): Service | undefined {
  const { name } = metadata ?? {};
  const { clusterIP = "", ports = [] } = spec ?? {};
  if (name === undefined || clusterIP === "" || clusterIP === "None") return undefined;
  return {
    metadata: { name },
    spec: {
      clusterIP,
      ports: ports.map(({ name, port, protocol }) => ({
        ...(name === undefined ? {} : { name }),
        port,
        ...(protocol === undefined ? {} : { protocol }),
      })),
    },
  };
}

function collection({ namespace, name }: ServiceScope): { path: string; fieldSelector: string } {
  const named = name === undefined ? "" : `,metadata.name=${name}`;
  // Headless ones have no address, and need not be sent.
  return { path: servicesPath(namespace), fieldSelector: `spec.clusterIP!=None${named}` };
}

function keyOf({ namespace, name = "" }: ServiceScope): string {
  return `${namespace}/${name}`;
}
