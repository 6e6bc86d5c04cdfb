/**
 * Pods as they are asked for: `core/v1` Pod and its spec.
 *
 * @module
 */
import type { Lifecycle, Probe } from "./probe.ts";
import type { EnvFromSource, EnvVar } from "./env.ts";
import type { KubeObject } from "./meta.ts";
import type { PodStatus } from "./pod_status.ts";
import type { ResourceRequirements } from "./resources.ts";
import type { Volume, VolumeMount } from "./volume.ts";

/** `core/v1` Pod: containers that share a life, a node and volumes. */
export interface Pod extends KubeObject {
  /** What is asked for. Hardly anything of it may change after creation. */
  spec?: PodSpec;
  /** What the node has observed; written by the kubelet. */
  status?: PodStatus;
}

/** When ended containers are started again. The server's default is `Always`. */
export type RestartPolicy = "Always" | "OnFailure" | "Never";

/** `core/v1` PodSpec. */
export interface PodSpec {
  /** The node that the pod is bound to; absent until it was scheduled. */
  nodeName?: string;
  /** Whose identity the pod has towards the API. The server's default is `default`. */
  serviceAccountName?: string;
  /** False keeps the service account's token out of the pod. */
  automountServiceAccountToken?: boolean;
  /** For all containers that have no policy of their own. */
  restartPolicy?: RestartPolicy;
  /** Seconds between the request to end and the kill. The server's default is 30; 0 is at once. */
  terminationGracePeriodSeconds?: number;
  /** Seconds that the pod may be active, counted from `status.startTime`; then it has failed. */
  activeDeadlineSeconds?: number;
  /** The app containers, at least one; they start together, after the init containers. */
  containers: Container[];
  /** Run one after the other, each to its success, before the app containers. */
  initContainers?: Container[];
  /** Added to a running pod to look into it; never restarted. */
  ephemeralContainers?: EphemeralContainer[];
  /** What containers may mount, by name. */
  volumes?: Volume[];
  /** Secrets of the pod's namespace with credentials for registries. */
  imagePullSecrets?: LocalObjectReference[];
  /** Labels that a node must have to get this pod. */
  nodeSelector?: Record<string, string>;
  /** Taints of nodes that the pod puts up with. */
  tolerations?: Toleration[];
  /** True for the node's own network, so that container ports are ports of the node. */
  hostNetwork?: boolean;
  /** True for the node's own process ids. */
  hostPID?: boolean;
  /** True for the node's own interprocess communication. */
  hostIPC?: boolean;
  /** False for user ids of the pod's own. Default true: the node's. */
  hostUsers?: boolean;
  /** True if all containers see each other's processes. */
  shareProcessNamespace?: boolean;
  /** Host name inside the pod. Default: the pod's name. */
  hostname?: string;
  /** Host name inside the pod, whatever else is said of it (KEP-4762). */
  hostnameOverride?: string;
  /** Lines for `/etc/hosts`. */
  hostAliases?: { ip: string; hostnames?: string[] }[];
  /** Makes the full host name `<hostname>.<subdomain>.<namespace>.svc.<cluster domain>`. */
  subdomain?: string;
  /** `ClusterFirst` (the server's default), `ClusterFirstWithHostNet`, `Default` or `None`. */
  dnsPolicy?: string;
  /** Added to what `dnsPolicy` says; an option without a value is a word alone. */
  dnsConfig?: {
    nameservers?: string[];
    searches?: string[];
    options?: { name?: string; value?: string }[];
  };
  /** False keeps the variables about services of the namespace out. Default true. */
  enableServiceLinks?: boolean;
  /** RuntimeClass that must run the pod (KEP-585); absent means the node's usual one. */
  runtimeClassName?: string;
  /** Conditions of others that the pod's readiness depends on as well. */
  readinessGates?: { conditionType: string }[];
  /** The system that the containers are made for, `linux` or `windows`. */
  os?: { name: string };
  /** Filled in from `priorityClassName`; higher is more important. */
  priority?: number;
  /** Name of the PriorityClass. */
  priorityClassName?: string;
  /** Users, groups and kernel settings for all containers; a container's own words come first. */
  securityContext?: PodSecurityContext;
  /** What running the pod costs beside its containers, from its RuntimeClass (KEP-688). */
  overhead?: Record<string, string>;
  /** Requests and limits of the pod as a whole, of cpu and memory (KEP-2837). */
  resources?: ResourceRequirements;
}

/** `core/v1` PodSecurityContext, as far as it can be honoured where guests have no users. */
export interface PodSecurityContext {
  /** User id of all programs. Default: that of their images. */
  runAsUser?: number;
  /** True refuses to start a program as user 0. */
  runAsNonRoot?: boolean;
  /** Group of the files in volumes. */
  fsGroup?: number;
  /** Which system calls are allowed. */
  seccompProfile?: { type: string; localhostProfile?: string };
  /** Settings of the kernel, which guests do not see. */
  sysctls?: { name: string; value: string }[];
}

/** `core/v1` LocalObjectReference: an object of the same namespace. */
export interface LocalObjectReference {
  /** The object's name; an empty one refers to nothing. */
  name?: string;
}

/** `core/v1` Toleration: taints that a pod puts up with. */
export interface Toleration {
  /** The taint's key; absent (with `Exists`) means every taint. */
  key?: string;
  /** How `key` and `value` are compared. Default `Equal`. */
  operator?: "Exists" | "Equal";
  /** The taint's value, with `Equal`. */
  value?: string;
  /** `NoSchedule`, `PreferNoSchedule` or `NoExecute`; absent means every effect. */
  effect?: string;
  /** Seconds that a `NoExecute` taint is put up with; absent means for ever. */
  tolerationSeconds?: number;
}

/** `core/v1` Container: one program of a pod. */
export interface Container {
  /** A DNS label, unique among all containers of the pod. */
  name: string;
  /** Image reference, as `registry.example/app:v1`. */
  image?: string;
  /** The server's default is `Always` for the tag `latest` or none, else `IfNotPresent`. */
  imagePullPolicy?: "Always" | "IfNotPresent" | "Never";
  /** Replaces the image's entry point. `$(NAME)` is expanded from `env`; no shell is involved. */
  command?: string[];
  /** Arguments; replaces the image's own. Expanded like `command`. */
  args?: string[];
  /** Where the program starts. Default: the image's own. */
  workingDir?: string;
  /** Variables; a later one may refer to earlier ones as `$(NAME)` and wins over `envFrom`. */
  env?: EnvVar[];
  /** Whole objects as variables; the last of equal names wins. */
  envFrom?: EnvFromSource[];
  /** Ports that the container says it listens on: information, and the ports of the host. */
  ports?: ContainerPort[];
  /** How much of the node the container asks for, and how much it may use. */
  resources?: ResourceRequirements;
  /** Whether a change of a resource needs a new run; `NotRequired` for resources that are not named. */
  resizePolicy?: { resourceName: string; restartPolicy: string }[];
  /** Where volumes of the pod appear in the container. */
  volumeMounts?: VolumeMount[];
  /** Volumes that appear as raw block devices. */
  volumeDevices?: { name: string; devicePath: string }[];
  /** Comes before the pod's (KEP-5307). `Always` on an init container makes a sidecar (KEP-753). */
  restartPolicy?: RestartPolicy;
  /** Exit codes that decide before any policy; the first rule that fits counts. */
  restartPolicyRules?: ContainerRestartRule[];
  /** A probe whose failure restarts the container. */
  livenessProbe?: Probe;
  /** A probe whose failure makes the container not ready. */
  readinessProbe?: Probe;
  /** A probe that the others wait for. */
  startupProbe?: Probe;
  /** Handlers that are called after the start and before the end. */
  lifecycle?: Lifecycle;
  /** File whose content becomes the termination message. Default `/dev/termination-log`. */
  terminationMessagePath?: string;
  /** Whether the end of the log stands in for an empty message of a failed run. Default `File`. */
  terminationMessagePolicy?: "File" | "FallbackToLogsOnError";
  /** User, group and rights; comes before the pod's. */
  securityContext?: ContainerSecurityContext;
  /** True for a standard input that others can attach to. Default false: it is at its end. */
  stdin?: boolean;
  /** True if standard input closes after the first who attached has left. */
  stdinOnce?: boolean;
  /** True for a terminal in place of the standard streams; needs `stdin`. */
  tty?: boolean;
}

/** `core/v1` ContainerRestartRule: what is done when a container exits with certain codes. */
export interface ContainerRestartRule {
  /** `Restart` this container, or `RestartAllContainers` of its pod. */
  action: "Restart" | "RestartAllContainers";
  /** The exit codes that it is about. */
  exitCodes?: { operator: "In" | "NotIn"; values?: number[] };
}

/** `core/v1` EphemeralContainer: it has no ports, probes, hooks or resources. */
export interface EphemeralContainer extends Container {
  /** The container to look into: its files are seen below `/proc/1/root`. */
  targetContainerName?: string;
}

/** `core/v1` SecurityContext of one container. */
export interface ContainerSecurityContext {
  /** True for all rights of the node's root user. Default false. */
  privileged?: boolean;
  /** User id of the program. Default: the image's own. */
  runAsUser?: number;
  /** Group id of the program. */
  runAsGroup?: number;
  /** True refuses to start a program as user 0. */
  runAsNonRoot?: boolean;
  /** True takes the right to write to the container's own root folder. Default false. */
  readOnlyRootFilesystem?: boolean;
  /** False keeps the program from more rights than its parent has. */
  allowPrivilegeEscalation?: boolean;
  /** Linux capabilities on top of the runtime's default, and taken away from it. */
  capabilities?: { add?: string[]; drop?: string[] };
}

/** `core/v1` ContainerPort. */
export interface ContainerPort {
  /** Name that services may use in place of the number; unique within the pod. */
  name?: string;
  /** Port within the pod's network, 1–65535. */
  containerPort: number;
  /** Port of the node that leads to it. */
  hostPort?: number;
  /** Address of the node that `hostPort` is bound to. */
  hostIP?: string;
  /** `TCP` (default), `UDP` or `SCTP`. */
  protocol?: string;
}
