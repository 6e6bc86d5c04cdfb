/**
 * From a manifest on this machine to a pod of this node, as a kubelet makes it.
 *
 * @module
 */
import { objectRefs } from "../api/object_refs.ts";
import type { KubeObject, Pod } from "../api/types.ts";
import { podProblem } from "../pod/pod_problem.ts";

/** Where a pod comes from: `file` for a static pod. */
export const SOURCE_ANNOTATION = "kubernetes.io/config.source";
/** What a static pod was made of: its UID. */
export const HASH_ANNOTATION = "kubernetes.io/config.hash";
/** On a mirror pod: the hash of the static pod that it shows. */
export const MIRROR_ANNOTATION = "kubernetes.io/config.mirror";

/** Bytes of a UID that is made from a hash: as many as a UUID has. */
const UID_BYTES = 16;
/** What the classes of the system itself stand for (scheduling/v1). */
const SYSTEM_PRIORITIES: Readonly<Record<string, number>> = {
  "system-cluster-critical": 2_000_000_000,
  "system-node-critical": 2_000_001_000,
};
/** DNS subdomain (RFC 1123), which names of pods are. */
const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/** Where a static pod is to run, and what it was read from. */
export interface StaticPlace {
  readonly nodeName: string;
  /** Absolute path of the manifest. */
  readonly path: string;
}

/**
 * Makes the static pod: its name ends in the node's, its UID is a hash of what it is and where it is from,
 * and no taint drives it away.
 *
 * Throws an `Error` that says what is wrong with the object.
 */
export async function staticPod(
  object: KubeObject,
  { nodeName, path }: StaticPlace,
): Promise<Pod & { readonly metadata: { readonly uid: string } }> {
  const { metadata = {}, spec } = checked(object);
  const uid = await hashOf(JSON.stringify([object, nodeName, path]));
  const priority = spec.priority ?? SYSTEM_PRIORITIES[spec.priorityClassName ?? ""];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      ...metadata,
      uid,
      name: `${metadata.name}-${nodeName.toLowerCase()}`,
      namespace: metadata.namespace ?? "default",
      annotations: {
        ...metadata.annotations,
        [SOURCE_ANNOTATION]: "file",
        [HASH_ANNOTATION]: uid,
      },
    },
    spec: {
      ...spec,
      nodeName,
      restartPolicy: spec.restartPolicy ?? "Always",
      terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds ?? 30,
      ...(priority === undefined ? {} : { priority }),
      tolerations: [...(spec.tolerations ?? []), { operator: "Exists", effect: "NoExecute" }],
    },
  };
}

/** The pod that the API server shows in a static pod's place; `nodeUid` owns it. */
export function mirrorOf(pod: Pod, nodeUid: string): Pod {
  const { name, namespace, labels, annotations } = pod.metadata ?? {};
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      ...(name === undefined ? {} : { name }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(labels === undefined ? {} : { labels }),
      annotations: { ...annotations, [MIRROR_ANNOTATION]: annotations?.[HASH_ANNOTATION] ?? "" },
      ownerReferences: [{
        apiVersion: "v1",
        kind: "Node",
        name: pod.spec?.nodeName ?? "",
        uid: nodeUid,
        controller: true,
      }],
    },
    ...(pod.spec === undefined ? {} : { spec: pod.spec }),
  };
}

/** True for a pod that only shows a static pod of some node. */
export function isMirror(pod: Pod): boolean {
  return pod.metadata?.annotations?.[MIRROR_ANNOTATION] !== undefined;
}

function checked(object: KubeObject): Pod & { spec: NonNullable<Pod["spec"]> } {
  const pod = object as Pod;
  if (pod.kind !== "Pod") throw new Error(`a static pod is of kind Pod, not "${pod.kind}"`);
  const name = pod.metadata?.name;
  if (typeof name !== "string" || !NAME.test(name)) {
    throw new Error(`its metadata.name "${name}" is not a DNS name`);
  }
  const { spec } = pod;
  const problem = podProblem(pod);
  if (problem !== undefined || spec === undefined) throw new Error(problem ?? "it has no spec");
  // It must be able to run without an API server.
  const [reference] = objectRefs(pod);
  if (reference !== undefined) {
    throw new Error(
      `it names ${reference.kind} "${reference.name}": a static pod depends on nothing in the API`,
    );
  }
  if (spec.serviceAccountName) {
    throw new Error("it names a service account: a static pod depends on nothing in the API");
  }
  return { ...pod, spec };
}

async function hashOf(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(bytes).subarray(0, UID_BYTES).toHex();
}
