/**
 * The `kubelet_volume_stats_*` of `/metrics`: volumes from claims, each claim once.
 *
 * @module
 */
import type { Pod } from "../api/types.ts";
import type { Family, Labels } from "../metrics/family.ts";
import type { ClaimedDisk } from "./claimed_disks.ts";
import type { DiskReading } from "./node_reading.ts";

const FAMILIES: readonly (readonly [string, string, (disk: DiskReading) => number | undefined])[] =
  [
    ["available_bytes", "Number of available bytes in the volume", (disk) => disk.availableBytes],
    ["capacity_bytes", "Capacity in bytes of the volume", (disk) => disk.capacityBytes],
    ["inodes", "Maximum number of inodes in the volume", (disk) => disk.inodes],
    ["inodes_free", "Number of free inodes in the volume", (disk) => disk.inodesFree],
    ["inodes_used", "Number of used inodes in the volume", usedInodes],
    ["used_bytes", "Number of used bytes in the volume", (disk) => disk.usedBytes],
  ];

/** The families of these pods' volumes; `claims` are by UID of the pod. */
export function volumeFamilies(
  pods: readonly Pod[],
  claims: ReadonlyMap<string, readonly ClaimedDisk[]>,
): Family[] {
  const disks = new Map<string, { readonly labels: Labels; readonly disk: DiskReading }>();
  for (const { metadata } of pods) {
    const { uid = "", namespace = "" } = metadata ?? {};
    for (const { claim, disk } of claims.get(uid) ?? []) {
      const labels = { namespace, persistentvolumeclaim: claim };
      disks.set(`${namespace}/${claim}`, { labels, disk });
    }
  }
  return FAMILIES.map(([name, help, valueOf]) => ({
    name: `kubelet_volume_stats_${name}`,
    type: "gauge",
    help,
    samples: [...disks.values()].flatMap(({ labels, disk }) => {
      const value = valueOf(disk);
      return value === undefined ? [] : [{ labels, value }];
    }),
  }));
}

/** What is in use of a filesystem that tells its inodes. */
export function usedInodes({ inodes, inodesFree }: DiskReading): number | undefined {
  return inodes === undefined || inodesFree === undefined ? undefined : inodes - inodesFree;
}
