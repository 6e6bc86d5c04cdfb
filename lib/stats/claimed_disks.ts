/**
 * The filesystems of volumes that pods have from claims.
 *
 * @module
 */
import type { Pod, Volume } from "../api/types.ts";
import { type DiskReading, readDisk } from "./node_reading.ts";

/** A volume from a claim, and its filesystem. */
export interface ClaimedDisk {
  /** The volume's name in the pod. */
  readonly volume: string;
  /** Name of the claim, in the pod's namespace. */
  readonly claim: string;
  readonly disk: DiskReading;
  /** When it was looked at, in ms since 1970. */
  readonly atMs: number;
}

/** Volumes that are mounted: a pod's folders of this machine, by the volumes' names. */
export type MountedPaths = (podUid: string) => ReadonlyMap<string, { readonly hostPath: string }>;

/** Looks at the filesystem of each such volume of these pods. Answers by UID of the pod. */
export async function readClaimedDisks(
  pods: readonly Pod[],
  mounted: MountedPaths,
): Promise<Map<string, ClaimedDisk[]>> {
  const found = new Map<string, ClaimedDisk[]>();
  for (const pod of pods) {
    const { uid = "", name: podName = "" } = pod.metadata ?? {};
    const paths = mounted(uid);
    const disks: ClaimedDisk[] = [];
    for (const volume of pod.spec?.volumes ?? []) {
      const claim = claimOf(volume, podName);
      const path = paths.get(volume.name)?.hostPath;
      if (claim === undefined || path === undefined) continue;
      const disk = await readDisk(path);
      if (disk !== undefined) disks.push({ volume: volume.name, claim, disk, atMs: Date.now() });
    }
    if (disks.length > 0) found.set(uid, disks);
  }
  return found;
}

/** A generic ephemeral volume has a claim that is named after the pod and itself. */
function claimOf(
  { name, persistentVolumeClaim, ephemeral }: Volume,
  podName: string,
): string | undefined {
  if (persistentVolumeClaim !== undefined) return persistentVolumeClaim.claimName;
  return ephemeral === undefined ? undefined : `${podName}-${name}`;
}
