/**
 * Where pods get the objects that they name: ConfigMaps, Secrets and service-account tokens.
 *
 * Two things fit: the cluster, within what the Node authorizer lets a node see, and the manifest
 * file that `krustlet run` was given.
 *
 * @module
 */
import type {
  ClusterTrustBundle,
  ConfigMap,
  KubeObject,
  LabelSelector,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  RuntimeClass,
  Secret,
  Service,
  TokenRequest,
} from "./types.ts";

/** Some Services: all of a namespace, or the one of this name. */
export interface ServiceScope {
  /** Where they are. */
  readonly namespace: string;
  /** Only the one of this name. @default {all} */
  readonly name?: string;
}

/** Looks up the objects that pods name. Errors of transport reject; absence is `undefined`. */
export interface ObjectSource {
  /** The ConfigMap, or `undefined` if there is none. */
  configMap(namespace: string, name: string, signal?: AbortSignal): Promise<ConfigMap | undefined>;
  /** The Secret, or `undefined` if there is none. */
  secret(namespace: string, name: string, signal?: AbortSignal): Promise<Secret | undefined>;
  /** A new token of this service account (TokenRequest API). */
  token(
    namespace: string,
    serviceAccount: string,
    spec: TokenRequest["spec"],
    signal?: AbortSignal,
  ): Promise<NonNullable<TokenRequest["status"]>>;
  /** The RuntimeClass, or `undefined` if there is none. Absent where there is no cluster. */
  runtimeClass?(name: string, signal?: AbortSignal): Promise<RuntimeClass | undefined>;
  /** The ServiceAccount, or `undefined` if there is none. Absent where there is no cluster. */
  serviceAccount?(
    namespace: string,
    name: string,
    signal?: AbortSignal,
  ): Promise<KubeObject | undefined>;
  /** What volumes are made of besides. Absent where there is no cluster. */
  readonly storage?: StorageSource;
  /**
   * The Services that have an address; only name, address and ports of each. Absent where there is no
   * cluster.
   */
  services?(scope: ServiceScope, options: ServicesOptions): Promise<readonly Service[]>;
}

/** Looks up what persistent volumes and trust bundles need. Absence is `undefined`. */
export interface StorageSource {
  /** The claim, or `undefined` if there is none. */
  claim(
    namespace: string,
    name: string,
    signal?: AbortSignal,
  ): Promise<PersistentVolumeClaim | undefined>;
  /** The volume, or `undefined` if there is none. */
  persistentVolume(name: string, signal?: AbortSignal): Promise<PersistentVolume | undefined>;
  /** The node of this name, or `undefined` if there is none. A node may read its own only. */
  node(name: string, signal?: AbortSignal): Promise<Node | undefined>;
  /** The bundle, or `undefined` if there is none, or if the cluster has no such kind. */
  trustBundle(name: string, signal?: AbortSignal): Promise<ClusterTrustBundle | undefined>;
  /** All bundles of a signer that match, in the order of their names. */
  trustBundles(
    of: { readonly signerName: string; readonly labelSelector: LabelSelector },
    signal?: AbortSignal,
  ): Promise<ClusterTrustBundle[]>;
}

/** How {@linkcode ObjectSource.services} goes. */
export interface ServicesOptions {
  /** True asks no server and waits for none: what is not known yet is not there. @default false */
  readonly knownOnly?: boolean;
  /** Ends the wait. */
  readonly signal?: AbortSignal;
}
