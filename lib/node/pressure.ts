/**
 * Decides whether the machine is short of something, with a kubelet's default eviction thresholds.
 *
 * @module
 */
import type { MachineUsage } from "./machine.ts";

/** A kubelet's `memory.available<100Mi`. */
export const MEMORY_AVAILABLE_BYTES_MIN = 100 * 1024 * 1024;
/** A kubelet's `nodefs.available<10%`. */
export const DISK_AVAILABLE_SHARE_MIN = 0.1;
/** A kubelet's `nodefs.inodesFree<5%`. */
export const INODES_FREE_SHARE_MIN = 0.05;
/** A kubelet has no default here. Each container is a process, so the last ones are kept back. */
export const PIDS_FREE_SHARE_MIN = 0.05;
/** A kubelet's `--eviction-pressure-transition-period`: pressure that comes and goes stays. */
export const PRESSURE_TRANSITION_MS = 5 * 60_000;

/** When each shortage was last seen; absent means not lately. */
export interface PressureMemory {
  readonly memoryMs?: number;
  readonly diskMs?: number;
  readonly pidMs?: number;
}

/** What the node says of itself. */
export interface Pressures {
  readonly memory: boolean;
  readonly disk: boolean;
  readonly pid: boolean;
}

/** Decides at `nowMs`; give the returned `seen` back the next time. */
export function decidePressures(
  usage: MachineUsage,
  { seen, nowMs }: { readonly seen: PressureMemory; readonly nowMs: number },
): { pressures: Pressures; seen: PressureMemory } {
  const memoryMs = lastSeen(isShortOfMemory(usage), seen.memoryMs, nowMs);
  const diskMs = lastSeen(isShortOfDisk(usage), seen.diskMs, nowMs);
  const pidMs = lastSeen(isShortOfPids(usage), seen.pidMs, nowMs);
  return {
    pressures: {
      memory: memoryMs !== undefined,
      disk: diskMs !== undefined,
      pid: pidMs !== undefined,
    },
    seen: {
      ...(memoryMs === undefined ? {} : { memoryMs }),
      ...(diskMs === undefined ? {} : { diskMs }),
      ...(pidMs === undefined ? {} : { pidMs }),
    },
  };
}

function lastSeen(isShort: boolean, seenMs: number | undefined, nowMs: number): number | undefined {
  if (isShort) return nowMs;
  return seenMs !== undefined && nowMs - seenMs < PRESSURE_TRANSITION_MS ? seenMs : undefined;
}

function isShortOfMemory({ memoryAvailableBytes }: MachineUsage): boolean {
  return memoryAvailableBytes < MEMORY_AVAILABLE_BYTES_MIN;
}

function isShortOfDisk(usage: MachineUsage): boolean {
  const { diskBytes, diskAvailableBytes, inodes, inodesFree } = usage;
  return diskAvailableBytes < diskBytes * DISK_AVAILABLE_SHARE_MIN ||
    (inodes !== undefined && inodesFree !== undefined &&
      inodesFree < inodes * INODES_FREE_SHARE_MIN);
}

function isShortOfPids({ pids, pidsMax }: MachineUsage): boolean {
  return pids !== undefined && pidsMax !== undefined &&
    pidsMax - pids < pidsMax * PIDS_FREE_SHARE_MIN;
}
