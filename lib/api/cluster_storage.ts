/**
 * Claims, persistent volumes and trust bundles from the cluster.
 *
 * @module
 */
import { isNotFound } from "./api_error.ts";
import type { ApiClient } from "./client.ts";
import { listAll } from "./list_all.ts";
import type { StorageSource } from "./object_source.ts";
import { claimPath, nodePath, persistentVolumePath, trustBundlesPath } from "./paths.ts";
import { retryForbidden } from "./shared_object.ts";
import type {
  ClusterTrustBundle,
  KubeObject,
  LabelSelector,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
} from "./types.ts";

/**
 * Reads from the server each time, since pods ask when they start and now and then. The Node authorizer
 * shows a node the claims of its own pods, and the volumes that these are bound to.
 */
export class ClusterStorage implements StorageSource {
  readonly #client: ApiClient;

  constructor(client: ApiClient) {
    this.#client = client;
  }

  async claim(
    namespace: string,
    name: string,
    signal?: AbortSignal,
  ): Promise<PersistentVolumeClaim | undefined> {
    return await this.#get(claimPath(namespace, name), signal);
  }

  async persistentVolume(
    name: string,
    signal?: AbortSignal,
  ): Promise<PersistentVolume | undefined> {
    return await this.#get(persistentVolumePath(name), signal);
  }

  async node(name: string, signal?: AbortSignal): Promise<Node | undefined> {
    return await this.#get(nodePath(name), signal);
  }

  async trustBundle(name: string, signal?: AbortSignal): Promise<ClusterTrustBundle | undefined> {
    return await this.#get(trustBundlesPath(name), signal);
  }

  async trustBundles(
    of: { readonly signerName: string; readonly labelSelector: LabelSelector },
    signal?: AbortSignal,
  ): Promise<ClusterTrustBundle[]> {
    try {
      const { items } = await retryForbidden(() =>
        listAll<ClusterTrustBundle>(this.#client, {
          path: trustBundlesPath(),
          fieldSelector: `spec.signerName=${of.signerName}`,
          labelSelector: labelSelectorText(of.labelSelector),
          ...(signal === undefined ? {} : { signal }),
        }), signal);
      return items;
    } catch (error) {
      if (isNotFound(error)) return []; // the cluster does not have the kind
      throw error;
    }
  }

  async #get<T extends KubeObject>(path: string, signal?: AbortSignal): Promise<T | undefined> {
    try {
      return await retryForbidden(() => this.#client.get<T>(path, { signal }), signal);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}

/** A selector as a query has it: `app=web,tier in (a,b),!old`. Empty matches everything. */
export function labelSelectorText(
  { matchLabels = {}, matchExpressions = [] }: LabelSelector,
): string {
  const labels = Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`);
  const expressions = matchExpressions.map(({ key, operator, values = [] }) => {
    const list = `(${values.join(",")})`;
    switch (operator) {
      case "In":
        return `${key} in ${list}`;
      case "NotIn":
        return `${key} notin ${list}`;
      case "Exists":
        return key;
      case "DoesNotExist":
        return `!${key}`;
      default:
        throw new TypeError(`Cannot select by label "${key}": "${operator}" is no operator`);
    }
  });
  return [...labels, ...expressions].join(",");
}
