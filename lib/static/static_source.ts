/**
 * Pods from a folder of this machine, and what the cluster sees of them.
 *
 * @module
 */
import type { ApiClient } from "../api/client.ts";
import type { Pod } from "../api/types.ts";
import type { PodKey, StatusTransport } from "../status/writer.ts";
import { Manifests } from "./manifests.ts";
import { Mirrors } from "./mirrors.ts";
import { type PodHost, StaticPods } from "./static_pods.ts";

/** What a {@linkcode StaticSource} is made of. */
export interface StaticSourceOptions {
  /** Folder of manifests, or one file. @default {there are no static pods} */
  readonly path?: string | undefined;
  readonly nodeName: string;
  readonly api: Pick<ApiClient, "create" | "delete">;
  /** UID of the Node; `undefined` until it is registered. */
  nodeUid(): string | undefined;
  /** Told what is wrong with a manifest or a mirror pod. */
  readonly onTrouble: (message: string) => void;
}

/** What runs static pods. `PodManager` fits. */
export interface StaticHost extends PodHost {
  reportAgain(pod: PodKey): void;
}

/** Runs static pods with or without an API server, and sorts mirror pods out of what that tells. */
export class StaticSource {
  readonly #manifests: Manifests | undefined;
  readonly #mirrors: Mirrors;
  #pods: StaticPods | undefined;
  #host: StaticHost | undefined;

  /** Nothing is read before {@linkcode start}. */
  constructor({ path, nodeName, api, nodeUid, onTrouble }: StaticSourceOptions) {
    this.#manifests = path === undefined ? undefined : new Manifests({ path, nodeName, onTrouble });
    this.#mirrors = new Mirrors({
      api,
      nodeUid,
      onTrouble,
      onMirror: (pod) => this.#host?.reportAgain(pod),
    });
  }

  /** Status on its way: that of a static pod goes to its mirror. */
  transport(to: StatusTransport): StatusTransport {
    return this.#mirrors.transport(to);
  }

  /** Reads the manifests and starts the pods. When it resolves, all static pods of this moment are known. */
  async start(host: StaticHost): Promise<void> {
    this.#host = host;
    this.#pods = new StaticPods(host);
    this.#set(await this.#manifests?.read() ?? []);
  }

  /** Follows changes of the manifests and keeps the mirrors, until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const following = this.#manifests?.watch((pods) => this.#set(pods), signal);
    await Promise.all([following, this.#mirrors.run(signal)]);
  }

  /** UIDs of the static pods. */
  uids(): string[] {
    return [...this.#pods?.wanted.values() ?? []].flatMap(({ metadata }) => metadata?.uid ?? []);
  }

  /** Learns all pods of the node that the API server has; answers those that are no mirrors. */
  sync(pods: readonly Pod[]): Pod[] {
    return this.#mirrors.sync(pods);
  }

  /** Learns of a pod that is new or newer; false if it is no mirror. */
  applied(pod: Pod): boolean {
    return this.#mirrors.applied(pod);
  }

  /** Learns of a pod that the API server has no more; false if it is no mirror. */
  deleted(pod: Pod): boolean {
    return this.#mirrors.deleted(pod);
  }

  #set(pods: readonly Pod[]): void {
    if (this.#pods === undefined) return;
    this.#pods.set(pods);
    this.#mirrors.set(this.#pods.wanted);
  }
}
