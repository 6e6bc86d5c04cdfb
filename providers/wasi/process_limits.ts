import type { Kernel } from "./kernel.ts";
import { PROCESS_DESCRIPTORS_MAX } from "./limits.ts";

/** Linux's numbers, the same on x86-64 and ARM. */
const RLIMIT = { data: 2, core: 4, nofile: 7 } as const;

/** Bounds of one process. */
export interface ProcessLimits {
  /** Bytes of private writable memory (`RLIMIT_DATA`). @default {no limit} */
  readonly dataBytesMax?: number;
}

/**
 * Bounds, by the kernel and for good, what this process can take from the machine, whatever becomes
 * of the walls inside it: its descriptors, its memory if that has a limit, and no core files, which
 * would hold the guest's memory.
 *
 * `RLIMIT_NPROC` is not used: it counts all processes of the user on the machine.
 */
export function limitProcess(kernel: Kernel, { dataBytesMax }: ProcessLimits): void {
  kernel.limit(RLIMIT.core, 0);
  kernel.limit(RLIMIT.nofile, PROCESS_DESCRIPTORS_MAX);
  if (dataBytesMax !== undefined) kernel.limit(RLIMIT.data, dataBytesMax);
}
