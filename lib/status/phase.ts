/**
 * The one word for a whole pod, as a kubelet chooses it.
 *
 * @module
 */
import type { ContainerState, Pod, PodPhase } from "../api/types.ts";
import { isRestarted, RESTARTING_ALL } from "../restart_rule.ts";

/** The part of a container's record that the phase depends on. */
export interface PhaseInput {
  readonly state: ContainerState;
  readonly lastState: ContainerState;
  readonly started: boolean;
}

/**
 * The phase that the pod's containers add up to; touches nothing.
 *
 * @param containers by name; one that is missing has not begun.
 */
export function phaseOf(pod: Pod, containers: Readonly<Record<string, PhaseInput>>): PodPhase {
  const policy = pod.spec?.restartPolicy ?? "Always";
  const init = initProgress(pod, containers);
  if (init === "hopeless") return "Failed";
  if (init !== "done") return "Pending";
  const counts = { running: 0, waiting: 0, again: 0, failed: 0 };
  for (const spec of pod.spec?.containers ?? []) {
    const { state, lastState } = containers[spec.name] ?? { state: {}, lastState: {} };
    if (state.running !== undefined) counts.running++;
    else if (state.terminated !== undefined) {
      const { exitCode } = state.terminated;
      if (isRestarted(spec, policy, exitCode)) counts.again++;
      if (exitCode !== 0) counts.failed++;
    } // One that waits to be started again has run, and will: the pod neither goes back nor ends.
    else if (lastState.terminated !== undefined) counts.running++;
    else counts.waiting++;
  }
  if (counts.waiting > 0) return "Pending";
  if (counts.running > 0 || counts.again > 0) return "Running";
  return counts.failed === 0 ? "Succeeded" : "Failed";
}

/**
 * How far the init containers are: `failed` if one is to be tried again, `hopeless` if it is not. A sidecar
 * counts as done once it has started (KEP-753).
 */
export function initProgress(
  pod: Pod,
  containers: Readonly<Record<string, PhaseInput>>,
): "pending" | "failed" | "hopeless" | "done" {
  let pending = false;
  for (const spec of pod.spec?.initContainers ?? []) {
    const { state, lastState, started } = containers[spec.name] ??
      { state: {}, lastState: {}, started: false };
    if (spec.restartPolicy === "Always") {
      const began = started || state.terminated !== undefined || lastState.terminated !== undefined;
      if (!began) pending = true;
      continue;
    }
    const ended = state.terminated ?? (state.waiting && lastState.terminated);
    if (ended === undefined || ended.reason === RESTARTING_ALL) pending = true;
    else if (ended.exitCode !== 0) {
      const policy = pod.spec?.restartPolicy ?? "Always";
      return isRestarted(spec, policy, ended.exitCode) ? "failed" : "hopeless";
    }
  }
  return pending ? "pending" : "done";
}
