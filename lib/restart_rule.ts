/**
 * Whether a container that has ended is to run again: its own rules and policy, else its pod's (KEP-5307).
 *
 * @module
 */
import type { Container, ContainerRestartRule, Pod, RestartPolicy } from "./api/types.ts";

/** The part of a container that decides it. */
export type RestartWishes = Pick<Container, "restartPolicy" | "restartPolicyRules">;

/**
 * True if a run that ended with this code is followed by another; touches nothing.
 *
 * @param podPolicy what the pod, or whoever runs the container for it, wants of all.
 */
export function isRestarted(
  container: RestartWishes,
  podPolicy: RestartPolicy,
  exitCode: number,
): boolean {
  if (ruleFor(container, exitCode) !== undefined) return true;
  switch (container.restartPolicy ?? podPolicy) {
    case "Never":
      return false;
    case "OnFailure":
      return exitCode !== 0;
    default:
      return true;
  }
}

/** The reason of a run that was ended because all containers of its pod begin again (KEP-5532). */
export const RESTARTING_ALL = "RestartingAllContainers";

/**
 * True if this ending of a run makes all containers of its pod begin again; touches nothing. One that the
 * agent's own end has taken along says nothing of the guest.
 */
export function restartsAll(
  container: RestartWishes,
  ended: { readonly exitCode: number; readonly reason?: string } | undefined,
): boolean {
  return ended !== undefined && ended.reason !== "ContainerStatusUnknown" &&
    ruleFor(container, ended.exitCode)?.action === "RestartAllContainers";
}

/** True for a pod with a rule that makes all its containers begin again. */
export function couldRestartAll({ spec }: Pod): boolean {
  return [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].some((container) =>
    container.restartPolicyRules?.some(({ action }) => action === "RestartAllContainers")
  );
}

/** The first of the container's rules that is about this exit code. */
export function ruleFor(
  { restartPolicyRules = [] }: RestartWishes,
  exitCode: number,
): ContainerRestartRule | undefined {
  return restartPolicyRules.find(({ exitCodes }) => {
    if (exitCodes === undefined) return false;
    const named = (exitCodes.values ?? []).includes(exitCode);
    return exitCodes.operator === "In" ? named : exitCodes.operator === "NotIn" && !named;
  });
}
