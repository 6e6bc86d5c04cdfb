/**
 * Where a pod's files are. Nothing is keyed by a name that can come again: the UID is in every path.
 *
 * @module
 */
import type { ObjectReference, Pod } from "../api/types.ts";

/** A pod's own folder. */
export function podDir(podsDir: string, uid: string): string {
  return `${podsDir}/${uid}`;
}

/** The folder that is the `/` of one run of a container. */
export function rootDir(podsDir: string, uid: string, container: string, attempt: number): string {
  return `${podDir(podsDir, uid)}/containers/${container}/${attempt}`;
}

/**
 * An empty file that was written when a run's root was filled with the files of its image: what has changed
 * there since is the guest's own.
 */
export function filledMark(root: string): string {
  return `${root}-filled`;
}

/** Where a run with this root leaves its last words, if it cannot write in its root. */
export function wordsDir(root: string): string {
  return `${root}-words`;
}

/** What a run with this root sees as `/etc`, if its root is shared with other pods. */
export function namesDir(root: string): string {
  return `${root}-names`;
}

/** A pod's log folder, in the kubelet's own layout. */
export function podLogDir(logsDir: string, pod: Pod): string {
  const { namespace, name, uid } = pod.metadata ?? {};
  return `${logsDir}/${namespace}_${name}_${uid}`;
}

/** A container's log folder. */
export function containerLogDir(logsDir: string, pod: Pod, container: string): string {
  return `${podLogDir(logsDir, pod)}/${container}`;
}

/** How events name a pod, or one container of it. */
export function podReference(pod: Pod, fieldPath?: string): ObjectReference {
  const { namespace, name, uid, resourceVersion } = pod.metadata ?? {};
  return {
    apiVersion: "v1",
    kind: "Pod",
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(fieldPath === undefined ? {} : { fieldPath }),
  };
}
