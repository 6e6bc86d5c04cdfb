/**
 * What the API server fills in before a kubelet sees a pod.
 *
 * @module
 */
import type { Pod } from "../api/types.ts";

/** A pod as a kubelet would see it: with namespace, UID, and defaults (Kubernetes API reference). */
export function completePod(pod: Pod): Pod {
  const { apiVersion = "v1", kind = "Pod", metadata, spec } = pod;
  return {
    apiVersion,
    kind,
    metadata: {
      namespace: "default",
      uid: crypto.randomUUID(),
      creationTimestamp: new Date().toISOString(),
      ...metadata,
    },
    spec: {
      restartPolicy: "Always",
      terminationGracePeriodSeconds: 30,
      serviceAccountName: "default",
      ...spec,
      containers: spec?.containers ?? [],
    },
  };
}
