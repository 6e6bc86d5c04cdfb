import type { Container, VolumeMount, VolumeMountStatus } from "../api/types.ts";

/**
 * How a container's mounts are, for its status (KEP-3857). What is read-only here is so with all that lies
 * below, because the guest's host looks at paths and not at mounts; it is told to whoever asked for it.
 */
export function mountStatuses({ volumeMounts = [] }: Container): VolumeMountStatus[] {
  return volumeMounts.map((mount) => ({
    name: mount.name,
    mountPath: mount.mountPath,
    ...(mount.readOnly === true
      ? { readOnly: true, recursiveReadOnly: wantsRecursive(mount) ? "Enabled" : "Disabled" }
      : {}),
  }));
}

/** What is wrong with a wish for recursive read-only, in a kubelet's words; `undefined` if nothing is. */
export function recursiveProblem(mount: VolumeMount): string | undefined {
  const { name, readOnly, recursiveReadOnly: mode, mountPropagation = "None" } = mount;
  if (!wantsRecursive(mount)) return undefined;
  const asked = `volume "${name}" requested recursive read-only mode, but it is not`;
  if (readOnly !== true) return `${asked} read-only`;
  if (mountPropagation !== "None") {
    return `${asked} compatible with propagation "${mountPropagation}"`;
  }
  if (mode === "Enabled" || mode === "IfPossible") return undefined;
  return `unknown recursive read-only mode "${mode}"`;
}

function wantsRecursive({ recursiveReadOnly = "Disabled" }: VolumeMount): boolean {
  return recursiveReadOnly !== "Disabled";
}
