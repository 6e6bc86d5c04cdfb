/**
 * Where pods get the objects that they name: ConfigMaps, Secrets and service-account tokens.
 *
 * Two things fit: the cluster, within what the Node authorizer lets a node see, and the manifest
 * file that `krustlet run` was given.
 *
 * @module
 */
import type { ConfigMap, KubeObject, RuntimeClass, Secret, TokenRequest } from "./types.ts";

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
}
