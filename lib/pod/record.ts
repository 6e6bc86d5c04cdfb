/**
 * What the agent remembers of a pod, in memory and on disk.
 *
 * The record is the truth about a pod's containers: its status is computed from it, and a
 * restarted agent goes on from it. It is plain data; who changes it also saves it.
 *
 * @module
 */
import type { Pod, PodStatus } from "../api/types.ts";
import {
  type ContainerRecord,
  endRun,
  isUnderWay,
  newContainerRecord,
} from "../container/record.ts";

import type { Allocated, PendingResize } from "../resources/resize.ts";

/** A pod that has failed as a whole, and why. */
export interface PodFailure {
  readonly reason: string;
  readonly message: string;
  /** Set if it was the node's doing: the reason of the condition `DisruptionTarget`. */
  readonly disruption?: "TerminationByKubelet";
}

/** What is known of one pod. Saved as JSON in the pod's folder. */
export interface PodRecord {
  readonly version: 1;
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** When this node first saw the pod, RFC 3339. */
  startTime: string;
  /** Init, app and ephemeral containers by name; names are unique within a pod. */
  containers: Record<string, ContainerRecord>;
  /** What the node has agreed to when it let the pod in, and since (KEP-1287). */
  allocated?: Allocated;
  /** True from a container's word that all begin again until they do (KEP-5532). */
  restarting?: true;
  /** Why it has not agreed to what the pod asks for now. */
  pendingResize?: PendingResize;
  /** Set once the pod has failed for a reason that is not a container's. It never runs again. */
  failure?: PodFailure;
  /** Set once the phase is Succeeded or Failed. It never changes again. */
  finalPhase?: "Succeeded" | "Failed";
  /** The status that was reported last: conditions keep their times across restarts. */
  reported?: PodStatus;
}

/**
 * A record for a pod of which this machine remembers nothing.
 *
 * If the cluster remembers more (the data folder was lost), its word is taken: what had ended
 * stays ended, counts go on, and what ran is taken for lost.
 */
export function newRecord(pod: Pod, now: string): PodRecord {
  const { uid, namespace, name } = identity(pod);
  const status = pod.status ?? {};
  const known = [
    ...(status.initContainerStatuses ?? []),
    ...(status.containerStatuses ?? []),
    ...(status.ephemeralContainerStatuses ?? []),
  ];
  const containers: Record<string, ContainerRecord> = {};
  // A kubelet's words for what the containers behind init containers wait for.
  const first = pod.spec?.initContainers?.length ? "PodInitializing" : "ContainerCreating";
  const { initContainers = [], containers: apps = [], ephemeralContainers = [] } = pod.spec ?? {};
  for (const spec of [...initContainers, ...apps, ...ephemeralContainers]) {
    const seen = known.find((one) => one.name === spec.name);
    containers[spec.name] = seen === undefined ? newContainerRecord(first) : {
      restartCount: seen.restartCount,
      state: seen.state,
      lastState: seen.lastState ?? {},
      started: seen.started ?? false,
      ready: seen.ready,
      ...(seen.containerID === undefined ? {} : { containerId: seen.containerID }),
      ...(seen.imageID === "" ? {} : { image: seen.image, imageId: seen.imageID }),
    };
  }
  return {
    version: 1,
    uid,
    namespace,
    name,
    startTime: status.startTime ?? now,
    containers,
    ...(status.phase === "Succeeded" || status.phase === "Failed"
      ? { finalPhase: status.phase }
      : {}),
    ...(Object.keys(status).length === 0 ? {} : { reported: status }),
  };
}

/** A pod's namespace, name and UID; throws if the object is no pod of a cluster. */
export function identity(pod: Pod): { uid: string; namespace: string; name: string } {
  const { uid, namespace, name } = pod.metadata ?? {};
  if (uid === undefined || namespace === undefined || name === undefined) {
    throw new TypeError(`Cannot follow pod "${name}": it has no uid or no namespace`);
  }
  return { uid, namespace, name };
}

/** True if anything of the pod has begun to run: then it was let in, by whichever agent. */
export function hasBegun({ containers }: PodRecord): boolean {
  return Object.values(containers).some(({ containerId }) => containerId !== undefined);
}

/**
 * Marks every container that was running as lost. Called on the record of an agent that is gone:
 * its guests ended with it.
 */
export function loseRunning(record: PodRecord, nowMs: number): void {
  for (const container of Object.values(record.containers)) {
    if (!isUnderWay(container)) continue;
    endRun(container, { exit: { kind: "lost" }, atMs: nowMs });
  }
}
