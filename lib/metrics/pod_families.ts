/**
 * What `/metrics` tells of the pods that are here now.
 *
 * @module
 */
import type { Family, Sample } from "./family.ts";

/** The part of a container's status that is counted. */
interface ContainerLike {
  readonly state: { readonly running?: unknown; readonly terminated?: unknown };
}

/** The part of a pod that is counted. */
export interface CountedPod {
  readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec?: { readonly ephemeralContainers?: readonly unknown[] };
  readonly status?: {
    readonly phase?: string;
    readonly initContainerStatuses?: readonly ContainerLike[];
    readonly containerStatuses?: readonly ContainerLike[];
    readonly ephemeralContainerStatuses?: readonly ContainerLike[];
  };
}

/** Tells where a pod is from: absent for pods of the API server. */
const SOURCE_ANNOTATION = "kubernetes.io/config.source";

/** Counts pods and containers. */
export function podFamilies(pods: readonly CountedPod[]): Family[] {
  const containers = pods.flatMap(containersOf);
  const active = pods.filter(({ status }) =>
    status?.phase !== "Succeeded" && status?.phase !== "Failed"
  );
  const running = pods.filter((pod) =>
    containersOf(pod).some(({ state }) => state.running !== undefined)
  );
  const states = new Map(
    (["created", "exited", "running"] as const).map((state) => [state, 0]),
  );
  for (const { state } of containers) {
    const name = stateName(state);
    states.set(name, states.get(name)! + 1);
  }
  const ephemeral = pods.reduce(
    (sum, { spec }) => sum + (spec?.ephemeralContainers?.length ?? 0),
    0,
  );
  return [
    gauge(
      "kubelet_active_pods",
      "The number of pods the kubelet considers active and which are being considered when \
admitting new pods. static is true if the pod is not from the apiserver.",
      byOrigin(active),
    ),
    gauge(
      "kubelet_desired_pods",
      "The number of pods the kubelet is being instructed to run. static is true if the pod is \
not from the apiserver.",
      byOrigin(pods),
    ),
    gauge(
      "kubelet_managed_ephemeral_containers",
      "Current number of ephemeral containers in pods managed by this kubelet.",
      [{ labels: {}, value: ephemeral }],
    ),
    gauge("kubelet_running_pods", "Number of pods of which a container runs", [
      { labels: {}, value: running.length },
    ]),
    gauge(
      "kubelet_running_containers",
      "Number of containers by their state",
      [...states].map(([state, value]) => ({ labels: { container_state: state }, value })),
    ),
  ];
}

function containersOf({ status }: CountedPod): ContainerLike[] {
  return [
    ...status?.initContainerStatuses ?? [],
    ...status?.containerStatuses ?? [],
    ...status?.ephemeralContainerStatuses ?? [],
  ];
}

function stateName(
  { running, terminated }: ContainerLike["state"],
): "created" | "exited" | "running" {
  if (running !== undefined) return "running";
  return terminated === undefined ? "created" : "exited";
}

function byOrigin(pods: readonly CountedPod[]): Sample[] {
  const own = pods.filter(({ metadata }) => {
    return (metadata?.annotations?.[SOURCE_ANNOTATION] ?? "api") !== "api";
  });
  return [
    { labels: { static: "" }, value: pods.length - own.length },
    { labels: { static: "true" }, value: own.length },
  ];
}

function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, type: "gauge", help, samples };
}
