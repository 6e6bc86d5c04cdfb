/**
 * What is wrong with a pod that no API server has looked at.
 *
 * @module
 */
import type { Pod } from "../api/types.ts";

/** DNS label (RFC 1123). */
const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const POLICIES = ["Always", "OnFailure", "Never"];

/** The few rules that nobody else checks; `undefined` if the pod keeps them. Touches nothing. */
export function podProblem(pod: Pod): string | undefined {
  const where = `Pod "${pod.metadata?.name}"`;
  const { containers, initContainers = [], restartPolicy } = pod.spec ?? { containers: [] };
  if (!Array.isArray(containers) || containers.length === 0) {
    return `${where} has no spec.containers`;
  }
  const seen = new Set<string>();
  for (const { name, image } of [...initContainers, ...containers]) {
    if (typeof name !== "string" || !LABEL.test(name)) {
      return `${where} has a container whose name is not a DNS label: "${name}"`;
    }
    if (seen.has(name)) return `${where} has two containers named "${name}"`;
    seen.add(name);
    if (typeof image !== "string" || image.trim() === "") {
      return `container "${name}" of ${where} has no image`;
    }
  }
  if (restartPolicy !== undefined && !POLICIES.includes(restartPolicy)) {
    return `${where} has restartPolicy "${restartPolicy}": allowed are ${POLICIES.join(", ")}`;
  }
  return undefined;
}
