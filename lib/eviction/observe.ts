/**
 * Looks at what the machine has left.
 *
 * @module
 */
import { statfs } from "node:fs/promises";
import type { Observation, Observations } from "./pressure.ts";

/** What is left of memory, in bytes. */
export interface MemoryLeft {
  readonly totalBytes: number;
  readonly availableBytes: number;
}

/** How many processes, each of their threads counted, there are, and can be. */
export interface PidsLeft {
  readonly running: number;
  readonly max: number;
}

/** Looks at memory, at processes, and at the disks that hold the data folder and the image store; both exist. */
export async function observe(
  { memory, pids, dataDir, imagesDir }: {
    readonly memory: MemoryLeft;
    /** Absent: the system does not say. */
    readonly pids: PidsLeft | undefined;
    readonly dataDir: string;
    readonly imagesDir: string;
  },
): Promise<Observations> {
  const [node, images] = await Promise.all([diskOf(dataDir), diskOf(imagesDir)]);
  return {
    "memory.available": { available: memory.availableBytes, capacity: memory.totalBytes },
    ...(pids === undefined ? {} : {
      "pid.available": { available: Math.max(0, pids.max - pids.running), capacity: pids.max },
    }),
    "nodefs.available": node.bytes,
    "imagefs.available": images.bytes,
    ...(node.inodes === undefined ? {} : { "nodefs.inodesFree": node.inodes }),
    ...(images.inodes === undefined ? {} : { "imagefs.inodesFree": images.inodes }),
  };
}

async function diskOf(path: string): Promise<{ bytes: Observation; inodes?: Observation }> {
  const { blocks, bavail, bsize, files, ffree } = await statfs(path);
  const bytes = { available: bavail * bsize, capacity: blocks * bsize };
  // Filesystems that make inodes as they are needed (btrfs, and those of Windows) say 0.
  return files > 0 ? { bytes, inodes: { available: ffree, capacity: files } } : { bytes };
}
