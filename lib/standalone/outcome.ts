/**
 * What a status means for `krustlet run`.
 *
 * @module
 */
import type { ContainerStatus, PodStatus } from "../api/types.ts";

/** Waiting reasons that a development run does not wait out: somebody has to change something. */
const STUCK = new Set([
  "ErrImagePull",
  "ErrImageNeverPull",
  "InvalidImageName",
  "CreateContainerConfigError",
]);

/** What `krustlet run` exits with when a pod could not be started at all. */
export const EXIT_NOT_STARTED = 125;
/** Exit code of a pod that failed although none of its containers did: its deadline. */
const FAILED = 1;

/** True if the pod has succeeded or failed. */
export function isOver(status: PodStatus | undefined): boolean {
  return status?.phase === "Succeeded" || status?.phase === "Failed";
}

/** Why a pod will not start without somebody's help, or `undefined`. */
export function stuckReason(status: PodStatus): string | undefined {
  for (const { name, state } of containersOf(status)) {
    const { reason, message } = state.waiting ?? {};
    if (reason !== undefined && STUCK.has(reason)) {
      return `container "${name}" is in ${reason}: ${message}`;
    }
  }
  return undefined;
}

/**
 * The exit code for several pods: that of the first container that failed, in their order.
 *
 * @param statuses the newest status of each pod; `undefined` for one that never had any.
 */
export function exitCodeOf(statuses: readonly (PodStatus | undefined)[]): number {
  for (const status of statuses) {
    if (status === undefined) return EXIT_NOT_STARTED;
    const states = containersOf(status).map(({ state }) => state);
    if (states.every(({ terminated }) => terminated === undefined)) return EXIT_NOT_STARTED;
    const codes = states.map(({ terminated }) => terminated?.exitCode ?? 0);
    const failed = codes.find((code) => code !== 0);
    if (failed !== undefined) return failed;
    if (status.phase === "Failed") return FAILED;
  }
  return 0;
}

function containersOf(status: PodStatus): ContainerStatus[] {
  return [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
}
