/**
 * Quality of service class of a pod.
 *
 * @module
 */
import type { Container, Pod } from "../api/types.ts";

const COUNTED = ["cpu", "memory"] as const;

/**
 * The class that requests and limits of CPU and memory give a pod (Kubernetes documentation,
 * "Pod Quality of Service Classes").
 *
 * The API server has copied limits to missing requests, so equal text means equal amounts there;
 * without an API server a missing request counts as its limit. What the pod says as a whole comes
 * in the place of what its containers say (KEP-2837).
 */
export function qosClass(pod: Pod): "Guaranteed" | "Burstable" | "BestEffort" {
  const all = speakers(pod);
  if (all.every((container) => COUNTED.every((name) => asks(container, name) === undefined))) {
    return "BestEffort";
  }
  const guaranteed = all.every((container) =>
    COUNTED.every((name) => {
      const limit = container.resources?.limits?.[name];
      return limit !== undefined && limit !== "0" && asks(container, name) === limit;
    })
  );
  return guaranteed ? "Guaranteed" : "Burstable";
}

type Speaker = Pick<Container, "resources">;

function speakers({ spec }: Pod): readonly Speaker[] {
  const whole: Speaker = { resources: spec?.resources ?? {} };
  if (COUNTED.some((name) => asks(whole, name) !== undefined)) return [whole];
  return [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
}

function asks(container: Speaker, name: string): string | undefined {
  const { limits, requests } = container.resources ?? {};
  const amount = requests?.[name] ?? limits?.[name];
  return amount === "0" ? undefined : amount;
}
