/**
 * Volumes, and the objects that their files come from (`core/v1`).
 *
 * @module
 */
import type { ObjectFieldSelector, ResourceFieldSelector } from "./env.ts";
import type { KubeObject, LabelSelector } from "./meta.ts";

/** `core/v1` VolumeMount: where a volume appears in a container. */
export interface VolumeMount {
  /** Name of one of the pod's volumes. */
  name: string;
  /** Path in the container; it may not contain a colon. */
  mountPath: string;
  /** True keeps the container from writing. Default false. */
  readOnly?: boolean;
  /** Path within the volume that is mounted. Default: the volume's root. */
  subPath?: string;
  /** Like `subPath`, with `$(NAME)` expanded from the container's variables; excludes it. */
  subPathExpr?: string;
  /** `None` (default), `HostToContainer` or `Bidirectional`. */
  mountPropagation?: string;
  /** `Disabled` (default), `IfPossible` or `Enabled` (KEP-3857). */
  recursiveReadOnly?: string;
}

/** Exactly one source is set; sources that are not listed here are unknown to this program. */
export interface Volume {
  /** A DNS label, unique within the pod. */
  name: string;
  /** Files from the keys of a ConfigMap. */
  configMap?: ConfigMapVolumeSource;
  /** Files from the keys of a Secret. */
  secret?: SecretVolumeSource;
  /** A folder that begins empty and ends with the pod. */
  emptyDir?: EmptyDirVolumeSource;
  /** A path of the node. */
  hostPath?: HostPathVolumeSource;
  /** Files about the pod itself. */
  downwardAPI?: DownwardAPIVolumeSource;
  /** Several sources in one folder. */
  projected?: ProjectedVolumeSource;
  /** Storage that a claim in the pod's namespace was granted. */
  persistentVolumeClaim?: PersistentVolumeClaimVolumeSource;
  /** Storage whose claim is made from the template here and goes with the pod. */
  ephemeral?: { volumeClaimTemplate?: KubeObject };
  /** The files of an image (KEP-4639). */
  image?: ImageVolumeSource;
}

/** `core/v1` PersistentVolumeClaimVolumeSource. */
export interface PersistentVolumeClaimVolumeSource {
  /** Name of the claim. */
  claimName: string;
  /** True keeps all containers from writing. Default false. */
  readOnly?: boolean;
}

/** `core/v1` ImageVolumeSource. */
export interface ImageVolumeSource {
  /** As a container's `image`. */
  reference?: string;
  /** As a container's `imagePullPolicy`. */
  pullPolicy?: "Always" | "IfNotPresent" | "Never";
}

/** `core/v1` KeyToPath: the file that a key becomes. */
export interface KeyToPath {
  /** Key of the object's data. */
  key: string;
  /** Relative path of the file, without `..`. */
  path: string;
  /** Permission bits, 0–0777. Default: the volume's `defaultMode`. */
  mode?: number;
}

/** `core/v1` ConfigMapVolumeSource. */
export interface ConfigMapVolumeSource {
  /** Name of the ConfigMap. */
  name?: string;
  /** Only these keys, each of which must be there. Default: all keys, each a file of its name. */
  items?: KeyToPath[];
  /** Permission bits of the files. Default 0644. */
  defaultMode?: number;
  /** True for an empty folder when the object, or a key of `items`, is missing. */
  optional?: boolean;
}

/** `core/v1` SecretVolumeSource. */
export interface SecretVolumeSource {
  /** Name of the Secret. */
  secretName?: string;
  /** Only these keys, each of which must be there. Default: all keys, each a file of its name. */
  items?: KeyToPath[];
  /** Permission bits of the files. Default 0644. */
  defaultMode?: number;
  /** True for an empty folder when the object, or a key of `items`, is missing. */
  optional?: boolean;
}

/** `core/v1` EmptyDirVolumeSource. */
export interface EmptyDirVolumeSource {
  /** Empty for the node's disk (default), or `Memory`. */
  medium?: string;
  /** A quantity: the most that may be stored. Default: no limit of its own. */
  sizeLimit?: string;
}

/** `core/v1` HostPathVolumeSource. */
export interface HostPathVolumeSource {
  /** Absolute path on the node. */
  path: string;
  /** What must be there, as `Directory` or `FileOrCreate`. Default empty: not checked. */
  type?: string;
}

/** `core/v1` DownwardAPIVolumeFile: one of `fieldRef` and `resourceFieldRef` is set. */
export interface DownwardAPIVolumeFile {
  /** Relative path of the file, without `..`. */
  path: string;
  /** A field of the pod: labels, annotations, name, namespace or UID. */
  fieldRef?: ObjectFieldSelector;
  /** A limit or request of a container. */
  resourceFieldRef?: ResourceFieldSelector;
  /** Permission bits, 0–0777. Default: the volume's `defaultMode`. */
  mode?: number;
}

/** `core/v1` DownwardAPIVolumeSource. */
export interface DownwardAPIVolumeSource {
  /** The files. */
  items?: DownwardAPIVolumeFile[];
  /** Permission bits of the files. Default 0644. */
  defaultMode?: number;
}

/** `core/v1` ProjectedVolumeSource. */
export interface ProjectedVolumeSource {
  /** What is put into the folder; a later source wins over an earlier one of the same path. */
  sources?: VolumeProjection[];
  /** Permission bits of the files. Default 0644. */
  defaultMode?: number;
}

/** `core/v1` VolumeProjection. Exactly one member is set. */
export interface VolumeProjection {
  /** Files from the keys of a ConfigMap. */
  configMap?: { name?: string; items?: KeyToPath[]; optional?: boolean };
  /** Files from the keys of a Secret. */
  secret?: { name?: string; items?: KeyToPath[]; optional?: boolean };
  /** Files about the pod itself. */
  downwardAPI?: { items?: DownwardAPIVolumeFile[] };
  /** A token of the pod's service account, good for 3600 seconds unless it says otherwise. */
  serviceAccountToken?: { path: string; audience?: string; expirationSeconds?: number };
  /** Trust anchors of the cluster in one PEM file. */
  clusterTrustBundle?: ClusterTrustBundleProjection;
}

/** `core/v1` ClusterTrustBundleProjection (KEP-3257): one by name, or all of a signer. */
export interface ClusterTrustBundleProjection {
  /** Relative path of the file, without `..`. */
  path: string;
  /** The one bundle; excludes the two below. */
  name?: string;
  /** All bundles of this signer. */
  signerName?: string;
  /** Those of the signer's that match. Absent: none; empty: all. */
  labelSelector?: LabelSelector;
  /** True for an empty file when there is no such bundle. */
  optional?: boolean;
}

/** `core/v1` ConfigMap: settings that are no secret. A key is in one of the two maps only. */
export interface ConfigMap extends KubeObject {
  /** Texts by key. */
  data?: Record<string, string>;
  /** Values are base64. */
  binaryData?: Record<string, string>;
  /** True if the data can never change. */
  immutable?: boolean;
}

/** `core/v1` Secret: data that few may read. */
export interface Secret extends KubeObject {
  /** Values are base64. */
  data?: Record<string, string>;
  /** Write-only convenience: plain text. Read only from manifests of `krustlet run`. */
  stringData?: Record<string, string>;
  /** What the keys mean, as `kubernetes.io/dockerconfigjson`. The server's default is `Opaque`. */
  type?: string;
  /** True if the data can never change. */
  immutable?: boolean;
}
