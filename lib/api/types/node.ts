/**
 * Nodes and the leases by which they are known to be alive.
 *
 * @module
 */
import type { KubeObject } from "./meta.ts";

/** `core/v1` Node: a machine that runs pods. */
export interface Node extends KubeObject {
  /** What others decide about the node. */
  spec?: NodeSpec;
  /** What the node says of itself. */
  status?: NodeStatus;
}

/** `core/v1` NodeSpec. */
export interface NodeSpec {
  /** Range of the pods' addresses, in CIDR notation. */
  podCIDR?: string;
  /** The same, at most one of each family; the first is `podCIDR`. */
  podCIDRs?: string[];
  /** The machine's name at its cloud, `<provider>://<id>`. */
  providerID?: string;
  /** What keeps pods away that do not tolerate it. */
  taints?: Taint[];
  /** True if new pods are not scheduled here (`kubectl cordon`). */
  unschedulable?: boolean;
}

/** What a taint does to pods that do not tolerate it; `NoExecute` also ends those that run. */
export type TaintEffect = "NoSchedule" | "PreferNoSchedule" | "NoExecute";

/** `core/v1` Taint. Key and effect together are unique on a node. */
export interface Taint {
  /** A label key. */
  key: string;
  /** A label value; absent is the same as empty. */
  value?: string;
  /** What happens to pods that do not tolerate it. */
  effect: TaintEffect;
  /** When the taint was set. */
  timeAdded?: string;
}

/** `core/v1` NodeStatus. Keys of the two maps are resources, as `pods`; values are quantities. */
export interface NodeStatus {
  /** All that the machine has. */
  capacity?: Record<string, string>;
  /** What of it pods may ask for. Default: `capacity`. */
  allocatable?: Record<string, string>;
  /** What holds and what does not, one for each type. */
  conditions?: NodeCondition[];
  /** How the node is reached; types are `Hostname`, `InternalIP`, `ExternalIP` and their DNS kin. */
  addresses?: { type: string; address: string }[];
  /** Port on which the node serves logs and the like to the API server. */
  daemonEndpoints?: { kubeletEndpoint: { Port: number } };
  /** What the machine and its software are. */
  nodeInfo?: NodeSystemInfo;
  /** Images that are stored on the node. */
  images?: { names: string[]; sizeBytes?: number }[];
  /** Features of the kubelet that the scheduler may rely on (KEP-5328). */
  declaredFeatures?: string[];
}

/** `core/v1` NodeCondition. */
export interface NodeCondition {
  /** What it is about, as `Ready` or `DiskPressure`; the key by which conditions are merged. */
  type: string;
  /** Whether it holds. */
  status: "True" | "False" | "Unknown";
  /** One CamelCase word for the last transition. */
  reason?: string;
  /** A sentence about the last transition. */
  message?: string;
  /** When the node last said so. */
  lastHeartbeatTime?: string;
  /** When `status` last became another. */
  lastTransitionTime?: string;
}

/** `core/v1` NodeSystemInfo. Every member is required; unknown is the empty text. */
export interface NodeSystemInfo {
  /** Stays the same for an installation of the system: `/etc/machine-id`. */
  machineID: string;
  /** The machine's own id, as its firmware has it. */
  systemUUID: string;
  /** New at each start of the machine. */
  bootID: string;
  /** As `uname -r` prints it. */
  kernelVersion: string;
  /** The system's name for people, as `Debian GNU/Linux 13`. */
  osImage: string;
  /** `<scheme>://<version>` of what runs containers. */
  containerRuntimeVersion: string;
  /** Version of the kubelet, which begins with the Kubernetes version that it speaks. */
  kubeletVersion: string;
  /** Deprecated by Kubernetes and without a meaning; kubelets leave it empty. */
  kubeProxyVersion: string;
  /** As `linux`; also the label `kubernetes.io/os`. */
  operatingSystem: string;
  /** What containers are made for, as `amd64`. */
  architecture: string;
}

/** `coordination/v1` Lease: a node that keeps renewing its own is alive. */
export interface Lease extends KubeObject {
  /** Who holds it and since when. */
  spec?: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    /** RFC 3339 with microseconds (`metav1.MicroTime`). */
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
  };
}
