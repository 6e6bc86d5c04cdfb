/**
 * From what the agent remembers of a pod to what it tells the cluster.
 *
 * @module
 */
import type {
  Container,
  ContainerStatus,
  Pod,
  PodPhase,
  PodStatus,
  ResourceRequirements,
} from "../api/types.ts";
import { conditionsOf, isReady } from "../status/conditions.ts";
import { initProgress, phaseOf } from "../status/phase.ts";
import { qosClass } from "../status/qos.ts";
import { type ContainerRecord, isUnderWay, newContainerRecord } from "../container/record.ts";
import { hasOtherMemoryLimit } from "../resources/resize.ts";
import { mountStatuses } from "../volumes/mount_status.ts";
import { couldRestartAll } from "../restart_rule.ts";
import type { PodRecord } from "./record.ts";

/** What a status says of the machine. */
export interface StatusFacts {
  /** The node's addresses, the first one being the main one. */
  readonly hostIPs: readonly string[];
  /** The pod's addresses; none until it has any. */
  readonly podIPs: readonly string[];
  readonly readyToStart: boolean;
  /** RFC 3339. */
  readonly now: string;
}

/** The whole status of a pod; touches nothing. */
export function podStatus(pod: Pod, record: PodRecord, facts: StatusFacts): PodStatus {
  const { failure } = record;
  const phase = record.finalPhase ?? phaseNow(pod, record);
  const ended = phase === "Succeeded" || phase === "Failed";
  const generation = pod.metadata?.generation;
  return {
    phase,
    ...(failure === undefined ? {} : { reason: failure.reason, message: failure.message }),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    conditions: conditionsOf({
      pod,
      containers: record.containers,
      phase,
      readyToStart: facts.readyToStart && !ended,
      ...(failure?.disruption === undefined
        ? {}
        : { disruption: { reason: failure.disruption, message: failure.message } }),
      ...(couldRestartAll(pod) ? { restarting: record.restarting === true } : {}),
      resize: { pending: record.pendingResize, inProgress: isResizing(record) },
      before: record.reported?.conditions ?? pod.status?.conditions ?? [],
      now: facts.now,
    }),
    ...addresses(facts),
    startTime: record.startTime,
    qosClass: qosClass(pod),
    ...(pod.spec?.initContainers === undefined ? {} : {
      initContainerStatuses: pod.spec.initContainers.map((spec) =>
        containerStatus(spec, record, { init: true })
      ),
    }),
    containerStatuses: (pod.spec?.containers ?? []).map((spec) =>
      containerStatus(spec, record, { init: false })
    ),
    ...(pod.spec?.ephemeralContainers === undefined ? {} : {
      // Like a kubelet's: nobody waits for them, so they are never ready.
      ephemeralContainerStatuses: pod.spec.ephemeralContainers.map((spec) => ({
        ...containerStatus(spec, record, { init: false }),
        ready: false,
      })),
    }),
  };
}

/**
 * A pod has not ended before its last container has: sidecars and a grace period count. Nor while all its
 * containers begin again; and one that has run is pending no more.
 */
function phaseNow(pod: Pod, { failure, containers, restarting, reported }: PodRecord): PodPhase {
  const phase = phaseOf(pod, containers);
  const busy = Object.values(containers).some(isUnderWay);
  if (failure !== undefined && !busy) return "Failed";
  if (restarting === true || phase === "Pending") {
    return reported?.phase === "Running" ? "Running" : "Pending";
  }
  if (!busy || (phase !== "Succeeded" && phase !== "Failed")) return phase;
  return initProgress(pod, containers) === "done" ? "Running" : "Pending";
}

function addresses({ hostIPs, podIPs }: StatusFacts): Partial<PodStatus> {
  const [hostIP] = hostIPs;
  const [podIP] = podIPs;
  return {
    ...(hostIP === undefined ? {} : { hostIP, hostIPs: hostIPs.map((ip) => ({ ip })) }),
    ...(podIP === undefined ? {} : { podIP, podIPs: podIPs.map((ip) => ({ ip })) }),
  };
}

function containerStatus(
  spec: Container,
  record: PodRecord,
  { init }: { init: boolean },
): ContainerStatus {
  const container = record.containers[spec.name] ?? newContainerRecord();
  const sidecar = init && spec.restartPolicy === "Always";
  // An init container that has done its work is ready for ever; others are while they run.
  const done = init && !sidecar && container.state.terminated?.exitCode === 0;
  return {
    name: spec.name,
    image: container.image ?? spec.image ?? "",
    imageID: container.imageId ?? "",
    ...(container.containerId === undefined ? {} : { containerID: container.containerId }),
    ready: done || (isReady(container) && (!init || sidecar)),
    started: container.started,
    restartCount: container.restartCount,
    state: container.state,
    lastState: container.lastState,
    ...(spec.volumeMounts === undefined ? {} : { volumeMounts: mountStatuses(spec) }),
    // Seldom: an API server that has not been told to know stop signals takes them out of the spec.
    ...(spec.lifecycle?.stopSignal === undefined || container.containerId === undefined
      ? {}
      : { stopSignal: spec.lifecycle.stopSignal }),
    ...resourcesNow(container, record.allocated?.[spec.name]),
  };
}

/** Of a container that runs: all but its memory limit follows the node's word at once. */
function resourcesNow(
  { state, resources: begun }: ContainerRecord,
  allocated: ResourceRequirements | undefined,
): Partial<ContainerStatus> {
  if (allocated === undefined || state.running === undefined) return {};
  const memory = begun?.limits?.["memory"];
  const { memory: _, ...limits } = allocated.limits ?? {};
  const now = {
    ...(allocated.limits === undefined && memory === undefined
      ? {}
      : { limits: { ...limits, ...(memory === undefined ? {} : { memory }) } }),
    ...(allocated.requests === undefined ? {} : { requests: allocated.requests }),
  };
  return {
    ...(allocated.requests === undefined ? {} : { allocatedResources: allocated.requests }),
    resources: now,
  };
}

/** True while a container still runs with the memory limit of before. */
function isResizing({ allocated, containers }: PodRecord): boolean {
  return Object.entries(containers).some(([name, { state, resources }]) =>
    allocated?.[name] !== undefined && state.running !== undefined &&
    hasOtherMemoryLimit(resources, allocated[name])
  );
}
