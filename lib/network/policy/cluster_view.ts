/**
 * What is known of the cluster's pods and namespaces: as much as policies need, and only while they do.
 *
 * @module
 */
import type { ApiClient } from "../../api/client.ts";
import type { ListWatchEvent } from "../../api/list_watch.ts";
import { namespacesPath, podsPath } from "../../api/paths.ts";
import type { KubeObject, Pod } from "../../api/types.ts";
import type { Peers, PodFacts } from "./judge.ts";
import type { Needs } from "./needs.ts";
import { factsOf, PodTable, trimPod } from "./pod_table.ts";
import { type Labels, NAMESPACE_NAME_LABEL } from "./selector.ts";
import { TableWatch, type WatchTimings } from "./table_watch.ts";

/** The pods of one namespace, or of all, and their watch. */
interface PodScope {
  readonly table: PodTable;
  readonly watch: TableWatch<Pod>;
}

const ALL = "*";
/** Their addresses are nobody's any more; the server sends a pod's deletion when it ends. */
const NOT_ENDED = "status.phase!=Succeeded,status.phase!=Failed";

/** How to be told of trouble; the rest is for tests. */
export interface ClusterViewOptions {
  /** Told of each failure of a watch. What is known stays known. */
  readonly onError?:
    | ((resource: "pods" | "namespaces", error: unknown, retryInMs: number) => void)
    | undefined;
  /** Told whenever the server has begun to answer (again). */
  readonly onWatching?: ((resource: "pods" | "namespaces") => void) | undefined;
  readonly timings?: WatchTimings | undefined;
}

/** Watches what {@linkcode need} says. The pods of this node come from the kubelet itself. */
export class ClusterView implements Peers, AsyncDisposable {
  readonly #client: ApiClient;
  readonly #options: ClusterViewOptions;
  readonly #scopes = new Map<string, PodScope>();
  readonly #local = new Map<string, { readonly uid: string; readonly facts: PodFacts }>();
  readonly #labels = new Map<string, Labels>();
  #namespaces: TableWatch<KubeObject> | undefined;
  #wanted: ReadonlySet<string> = new Set();
  readonly #ending = new Set<Promise<void>>();

  constructor(client: ApiClient, options: ClusterViewOptions = {}) {
    this.#client = client;
    this.#options = options;
  }

  /** Begins and ends watches. What another watch has told is kept until its successor knows as much. */
  need({ pods, namespaces }: Needs): void {
    this.#wanted = pods === "all" ? new Set([ALL]) : pods;
    for (const key of this.#wanted) {
      if (!this.#scopes.has(key)) this.#scopes.set(key, this.#openScope(key));
    }
    this.#retire();
    if (namespaces) this.#namespaces ??= this.#openNamespaces();
    else if (this.#namespaces !== undefined) {
      this.#end(this.#namespaces);
      this.#namespaces = undefined;
      this.#labels.clear();
    }
  }

  /** Knows a pod of this node by its addresses until it is disposed. */
  addLocal(pod: Pod, podIPs: readonly string[]): Disposable {
    const entry = { uid: pod.metadata?.uid ?? "", facts: factsOf(pod) };
    for (const ip of podIPs) this.#local.set(ip, entry);
    return {
      [Symbol.dispose]: (): void => {
        for (const ip of podIPs) {
          if (this.#local.get(ip) === entry) this.#local.delete(ip);
        }
      },
    };
  }

  /** The UID of the pod of this node that has the address. */
  localUid(ip: string): string | undefined {
    return this.#local.get(ip)?.uid;
  }

  podAt(ip: string): PodFacts | undefined {
    // Addresses of this node are given away here, and the cluster hears of it later.
    const local = this.#local.get(ip);
    if (local !== undefined) return local.facts;
    for (const { table } of this.#scopes.values()) {
      const found = table.at(ip);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  knowsPods(namespace?: string): boolean {
    return this.#isSettled(ALL) || namespace !== undefined && this.#isSettled(namespace);
  }

  namespaceLabels(name: string): Labels | undefined {
    return this.#labels.get(name);
  }

  get knowsNamespaces(): boolean {
    return this.#namespaces !== undefined && this.#namespaces.state !== "waiting";
  }

  /** Collections that are watched now, as `pods`, `pods/shop` and `namespaces`. */
  get watched(): readonly string[] {
    const pods = [...this.#scopes.keys()].map((key) => key === ALL ? "pods" : `pods/${key}`);
    return this.#namespaces === undefined ? pods : [...pods, "namespaces"];
  }

  /** Ends all watches; resolves when they are closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.need({ pods: new Set(), namespaces: false });
    for (const { watch } of this.#scopes.values()) this.#end(watch);
    this.#scopes.clear();
    await Promise.all(this.#ending);
  }

  /** True if no more is to be learned of a scope than is known: a right that is missing does not come soon. */
  #isSettled(key: string): boolean {
    const scope = this.#scopes.get(key);
    return scope !== undefined && scope.watch.state !== "waiting";
  }

  #retire(): void {
    if (![...this.#wanted].every((key) => this.#isSettled(key))) return;
    for (const [key, { watch }] of this.#scopes) {
      if (this.#wanted.has(key)) continue;
      this.#scopes.delete(key);
      this.#end(watch);
    }
  }

  #openScope(key: string): PodScope {
    const table = new PodTable();
    const watch = new TableWatch<Pod>(this.#client, {
      path: key === ALL ? podsPath() : podsPath(key),
      fieldSelector: NOT_ENDED,
      trim: trimPod,
      keep: (event) => keepPods(table, event),
      onChange: () => this.#retire(),
      onError: (error, retryInMs) => this.#options.onError?.("pods", error, retryInMs),
      onWatching: () => this.#options.onWatching?.("pods"),
      timings: this.#options.timings,
    });
    return { table, watch };
  }

  #openNamespaces(): TableWatch<KubeObject> {
    const keep = ({ metadata = {} }: KubeObject): void => {
      const { name = "", labels = {} } = metadata;
      this.#labels.set(name, { ...labels, [NAMESPACE_NAME_LABEL]: name });
    };
    return new TableWatch<KubeObject>(this.#client, {
      path: namespacesPath(),
      keep: (event) => {
        if (event.type === "synced") {
          this.#labels.clear();
          for (const namespace of event.items) keep(namespace);
        } else if (event.type === "applied") keep(event.object);
        else this.#labels.delete(event.object.metadata?.name ?? "");
      },
      onChange: () => {},
      onError: (error, retryInMs) => this.#options.onError?.("namespaces", error, retryInMs),
      onWatching: () => this.#options.onWatching?.("namespaces"),
      timings: this.#options.timings,
    });
  }

  #end(watch: { close(): Promise<void> }): void {
    const done = watch.close().finally(() => this.#ending.delete(done));
    this.#ending.add(done);
  }
}

function keepPods(table: PodTable, event: ListWatchEvent<Pod>): void {
  if (event.type === "synced") {
    table.clear();
    for (const pod of event.items) table.apply(pod);
  } else if (event.type === "applied") table.apply(event.object);
  else table.delete(event.object.metadata?.uid ?? "");
}
