/**
 * The one word for a whole pod, as a kubelet chooses it.
 *
 * @module
 */
import type { ContainerState, Pod, PodPhase } from "../api/types.ts";

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
  if (init === "failed" && policy === "Never") return "Failed";
  if (init !== "done") return "Pending";
  const counts = { running: 0, waiting: 0, stopped: 0, succeeded: 0 };
  for (const { name } of pod.spec?.containers ?? []) {
    const { state, lastState } = containers[name] ?? { state: {}, lastState: {} };
    if (state.running !== undefined) counts.running++;
    else if (state.terminated !== undefined) {
      counts.stopped++;
      if (state.terminated.exitCode === 0) counts.succeeded++;
    } // One that waits to be started again has run, and will: the pod neither goes back nor ends.
    else if (lastState.terminated !== undefined) counts.running++;
    else counts.waiting++;
  }
  if (counts.waiting > 0) return "Pending";
  if (counts.running > 0 || policy === "Always") return "Running";
  if (counts.stopped === counts.succeeded) return "Succeeded";
  return policy === "Never" ? "Failed" : "Running";
}

/** How far the init containers are. A sidecar counts as done once it has started (KEP-753). */
export function initProgress(
  pod: Pod,
  containers: Readonly<Record<string, PhaseInput>>,
): "pending" | "failed" | "done" {
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
    if (ended === undefined) pending = true;
    else if (ended.exitCode !== 0) return "failed";
  }
  return pending ? "pending" : "done";
}
