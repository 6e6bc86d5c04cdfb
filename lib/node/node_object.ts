/**
 * Describes this machine as a Kubernetes Node.
 *
 * @module
 */
import type { Node, NodeCondition, NodeStatus, Taint } from "../api/types.ts";
import { capacityOf, type CapacitySettings } from "./capacity.ts";
import { filterLabels } from "./labels.ts";
import type { MachineFacts } from "./machine.ts";

/** What the configuration says about the node. `KrustletConfig` fits. */
export interface NodeSettings extends CapacitySettings {
  /** Name of the Node; only pods that are bound to it are run. */
  readonly nodeName: string;
  /** In the node's addresses and its label `kubernetes.io/hostname`. */
  readonly hostname: string;
  /** The node's address, and that of its pods. */
  readonly nodeIp: string;
  /** Labels beside the usual ones; those that the cluster refuses to a node are left out. */
  readonly nodeLabels: Readonly<Record<string, string>>;
  /** `undefined` means the taints that follow from the backend's architecture. */
  readonly registerWithTaints: readonly Taint[] | undefined;
}

/** What the backend says about itself. `Provider` fits. */
export interface NodeBackend {
  readonly arch: string;
  readonly architecture: string;
  readonly runtimeVersion: string;
  readonly sandbox?: string;
  readonly cpuLimits?: string;
}

/** Everything that a Node is made of. */
export interface NodeFacts {
  readonly settings: NodeSettings;
  readonly machine: MachineFacts;
  readonly backend: NodeBackend;
  /** This program's own version, as `2.0.0`. */
  readonly version: string;
  /** The port on which the server really listens. */
  readonly port: number;
}

/** The Kubernetes release whose kubelet this program follows. */
export const KUBERNETES_VERSION = "1.36.0";
/** What the scheduler asks of a node before it sends a pod that needs it (KEP-5328); sorted. */
const DECLARED_FEATURES: readonly string[] = [
  // The API server speaks WebSocket with such a node, and SPDY with others (KEP-4006).
  "ExtendWebSocketsToKubelet",
  "RestartAllContainersOnContainerExits",
];
/** Tells what holds the guests of a node. */
export const SANDBOX_ANNOTATION = "krustlet.dev/sandbox";
/** Tells what keeps the containers of a node within their CPU limits. */
export const CPU_LIMITS_ANNOTATION = "krustlet.dev/cpu-limits";

/**
 * The Node as it is registered, but for the conditions, and what the user asked for in vain.
 *
 * Taints belong to the first registration only: NodeRestriction forbids a node to change them.
 */
export function describeNode(facts: NodeFacts): { node: Node; warnings: string[] } {
  const { settings, backend } = facts;
  const { labels, warnings } = filterLabels(settings.nodeLabels);
  const taints = settings.registerWithTaints ?? defaultTaints(backend.arch);
  const node: Node = {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name: settings.nodeName,
      labels: {
        ...labels,
        "beta.kubernetes.io/arch": backend.arch,
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": backend.arch,
        "kubernetes.io/hostname": settings.hostname,
        "kubernetes.io/os": "linux",
        "type": "krustlet",
      },
      annotations: {
        // Never left out: a node that was registered with walls must not go on claiming them.
        [SANDBOX_ANNOTATION]: backend.sandbox ?? "unknown",
        [CPU_LIMITS_ANNOTATION]: backend.cpuLimits ?? "none",
        "node.alpha.kubernetes.io/ttl": "0",
        "volumes.kubernetes.io/controller-managed-attach-detach": "true",
      },
    },
    spec: taints.length === 0 ? {} : { taints: [...taints] },
    status: describeStatus(facts, []),
  };
  return { node, warnings };
}

/** The status of the Node, around conditions that change. */
export function describeStatus(
  facts: NodeFacts,
  conditions: NodeCondition[],
  images: NonNullable<NodeStatus["images"]> = [],
): NodeStatus {
  const { settings, machine, backend } = facts;
  return {
    ...capacityOf(machine, settings),
    conditions,
    addresses: [
      { type: "InternalIP", address: settings.nodeIp },
      { type: "Hostname", address: settings.hostname },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: facts.port } },
    images,
    declaredFeatures: [...DECLARED_FEATURES],
    nodeInfo: {
      machineID: machine.machineId,
      systemUUID: machine.systemUuid || machine.machineId,
      bootID: machine.bootId,
      kernelVersion: machine.kernelVersion,
      osImage: machine.osImage,
      containerRuntimeVersion: backend.runtimeVersion,
      kubeletVersion: kubeletVersion(facts.version),
      kubeProxyVersion: "",
      // Guests see POSIX and nothing of the host: Windows and macOS hosts are the same to a pod.
      operatingSystem: "linux",
      architecture: backend.architecture,
    },
  };
}

/**
 * The node's version: the Kubernetes release first, so that tools that check the skew between
 * kubelet and API server find what they look for, and this program's own as build metadata
 * (semver 2.0.0, §10), which comparisons ignore.
 */
export function kubeletVersion(version: string): string {
  return `v${KUBERNETES_VERSION}+krustlet.${version.replace(/[^0-9A-Za-z.-]/g, "-")}`;
}

/** Keeps pods for Linux containers away: they could not run here. */
function defaultTaints(arch: string): Taint[] {
  return [
    { key: "kubernetes.io/arch", value: arch, effect: "NoSchedule" },
    { key: "kubernetes.io/arch", value: arch, effect: "NoExecute" },
  ];
}
