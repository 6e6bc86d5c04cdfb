/**
 * Pods as they are: the status that a kubelet writes (`core/v1`).
 *
 * @module
 */

import type { ResourceRequirements } from "./resources.ts";

/** Where a pod is in its life. `Succeeded` and `Failed` are final. */
export type PodPhase = "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown";

/** `core/v1` PodStatus. */
export interface PodStatus {
  /** A summary of the containers' states. */
  phase?: PodPhase;
  /** One CamelCase word for why the pod as a whole is so, as `Evicted`. */
  reason?: string;
  /** A sentence to go with `reason`. */
  message?: string;
  /** The `metadata.generation` that this status is about. */
  observedGeneration?: number;
  /** What holds and what does not, one for each type. */
  conditions?: PodCondition[];
  /** The node's first address. */
  hostIP?: string;
  /** The node's addresses, at most one of each family. */
  hostIPs?: { ip: string }[];
  /** The pod's first address. */
  podIP?: string;
  /** The pod's addresses, at most one of each family. */
  podIPs?: { ip: string }[];
  /** When the kubelet first saw the pod: before any image was pulled. */
  startTime?: string;
  /** Quality of service, from the containers' requests and limits. */
  qosClass?: "Guaranteed" | "Burstable" | "BestEffort";
  /** One for each app container. */
  containerStatuses?: ContainerStatus[];
  /** One for each init container, in the order in which they run. */
  initContainerStatuses?: ContainerStatus[];
  /** One for each ephemeral container. */
  ephemeralContainerStatuses?: ContainerStatus[];
}

/** `core/v1` PodCondition. */
export interface PodCondition {
  /** What it is about, as `Ready`; the key by which conditions are merged. */
  type: string;
  /** Whether it holds. */
  status: "True" | "False" | "Unknown";
  /** One CamelCase word for the last transition. */
  reason?: string;
  /** A sentence about the last transition. */
  message?: string;
  /** When `status` last became another. */
  lastTransitionTime?: string;
  /** When the condition was last looked at; kubelets write `null`. */
  lastProbeTime?: string | null;
  /** The `metadata.generation` that this condition is about. */
  observedGeneration?: number;
}

/** `core/v1` ContainerStatus. */
export interface ContainerStatus {
  /** The container's name in the spec. */
  name: string;
  /** The image that runs, as it was resolved. */
  image: string;
  /** Digest of that image; empty before it was pulled. */
  imageID: string;
  /** `<scheme>://<id>` of the newest run. */
  containerID?: string;
  /** True if the container can serve: started, and its readiness probe (if any) passes. */
  ready: boolean;
  /** True once the container runs and its startup probe (if any) has passed. */
  started?: boolean;
  /** How often the container was started again. */
  restartCount: number;
  /** What it is doing. */
  state: ContainerState;
  /** How the run before ended; empty before the first restart. */
  lastState: ContainerState;
  /** The requests that the node has agreed to. */
  allocatedResources?: Record<string, string>;
  /** What the container has now. */
  resources?: ResourceRequirements;
  /** The signal that tells the container to end. */
  stopSignal?: string;
  /** How its volumes are mounted. */
  volumeMounts?: VolumeMountStatus[];
}

/** `core/v1` VolumeMountStatus: how one volume is mounted. */
export interface VolumeMountStatus {
  /** Name of the mount's volume. */
  name: string;
  /** Path in the container, as the spec has it. */
  mountPath: string;
  /** True if the container cannot write there. Default false. */
  readOnly?: boolean;
  /** `Disabled`, or `Enabled` if that holds for all that lies below, as was asked for. */
  recursiveReadOnly?: string;
}

/** At most one member is set. An empty object means: nothing to say. */
export interface ContainerState {
  /** It does not run yet, or not again: `reason` says what it waits for, as `CrashLoopBackOff`. */
  waiting?: { reason?: string; message?: string };
  /** It runs. */
  running?: { startedAt: string };
  /** Its newest run has ended. */
  terminated?: ContainerStateTerminated;
}

/** `core/v1` ContainerStateTerminated: how a run ended. */
export interface ContainerStateTerminated {
  /** 0 is success. */
  exitCode: number;
  /** Number of the signal that ended it. */
  signal?: number;
  /** One CamelCase word, as `Completed`, `Error` or `OOMKilled`. */
  reason?: string;
  /** What the container, or the agent, has to say about the end. */
  message?: string;
  /** When the run began. */
  startedAt?: string;
  /** When the run ended. */
  finishedAt?: string;
  /** `<scheme>://<id>` of the run. */
  containerID?: string;
}
