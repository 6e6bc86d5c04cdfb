/**
 * Storage that outlives pods, and trust anchors (`core/v1`, `certificates/v1beta1`).
 *
 * @module
 */
import type { KubeObject } from "./meta.ts";
import type { HostPathVolumeSource } from "./volume.ts";

/** `core/v1` PersistentVolumeClaim: a wish for storage, and what it was granted. */
export interface PersistentVolumeClaim extends KubeObject {
  /** The wish. `volumeName` is set once it is bound. */
  spec?: { volumeName?: string; volumeMode?: string };
  /** `Pending`, `Bound` or `Lost`. */
  status?: { phase?: string };
}

/** `core/v1` PersistentVolume: a piece of storage. Exactly one source is set. */
export interface PersistentVolume extends KubeObject {
  /** Members that are not listed here are unknown to this program. */
  spec?: {
    /** `Filesystem` (default) or `Block`. */
    volumeMode?: string;
    /** The claim that the volume is bound to. */
    claimRef?: { namespace?: string; name?: string; uid?: string };
    /** A path of the node, for tests of one node. */
    hostPath?: HostPathVolumeSource;
    /** A folder of one node; `fsType` is for devices only. */
    local?: { path: string; fsType?: string };
    /** Which nodes can reach the volume. */
    nodeAffinity?: { required?: NodeSelector };
  };
}

/** `core/v1` NodeSelector: a node that fits one of the terms fits. */
export interface NodeSelector {
  /** At least one. A term without any requirement fits no node. */
  nodeSelectorTerms: NodeSelectorTerm[];
}

/** `core/v1` NodeSelectorTerm: all requirements must hold. */
export interface NodeSelectorTerm {
  /** About labels. */
  matchExpressions?: NodeSelectorRequirement[];
  /** About fields; the only one there is is `metadata.name`. */
  matchFields?: NodeSelectorRequirement[];
}

/** `core/v1` NodeSelectorRequirement. */
export interface NodeSelectorRequirement {
  /** Label or field. */
  key: string;
  /** `In`, `NotIn`, `Exists`, `DoesNotExist`, `Gt` or `Lt`. */
  operator: string;
  /** What it is compared with. */
  values?: string[];
}

/** `certificates/v1beta1` ClusterTrustBundle (KEP-3257): certificates to believe. */
export interface ClusterTrustBundle extends KubeObject {
  /** Certificates of authorities in PEM, and for which signer they are good. */
  spec?: { signerName?: string; trustBundle?: string };
}
