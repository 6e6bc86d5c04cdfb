/**
 * Serves the pods of this node.
 *
 * @module
 */
import type { Pod } from "../api/types.ts";

/** The answer of `/pods`: every pod as the node knows it, with its latest status. */
export function podList(pods: readonly Pod[]): Record<string, unknown> {
  return {
    kind: "PodList",
    apiVersion: "v1",
    metadata: {},
    items: pods.map((pod) => ({ ...pod, apiVersion: "v1", kind: "Pod" })),
  };
}

/** The answer of `/runningpods/`: names and containers of the pods of which one runs. */
export function runningPodList(pods: readonly Pod[]): Record<string, unknown> {
  const running = pods.map(({ metadata, spec, status }) => {
    const statuses = [
      ...status?.initContainerStatuses ?? [],
      ...status?.containerStatuses ?? [],
      ...status?.ephemeralContainerStatuses ?? [],
    ];
    const names = new Set(
      statuses
        .filter(({ state }) => state.running !== undefined)
        .map(({ name }) => name),
    );
    const { initContainers = [], containers: apps = [], ephemeralContainers = [] } = spec ?? {};
    const containers = [...initContainers, ...apps, ...ephemeralContainers]
      .filter(({ name }) => names.has(name))
      .map(({ name, image }) => ({ name, image, resources: {} }));
    const { name, namespace, uid } = metadata ?? {};
    return { metadata: { name, namespace, uid }, spec: { containers }, status: {} };
  });
  return {
    kind: "PodList",
    apiVersion: "v1",
    metadata: {},
    items: running.filter(({ spec }) => spec.containers.length > 0),
  };
}
