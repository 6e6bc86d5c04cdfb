/**
 * Whether a container that has ended is to run again: its own rules and policy, else its pod's (KEP-5307).
 *
 * @module
 */
import type { Container, ContainerRestartRule, RestartPolicy } from "./api/types.ts";

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
