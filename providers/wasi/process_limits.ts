import type { Kernel } from "./kernel.ts";
import { PROCESS_DESCRIPTORS_MAX } from "./limits.ts";

/** Linux's numbers, the same on x86-64 and ARM. */
const RLIMIT = { data: 2, core: 4, nofile: 7 } as const;

/**
 * Bounds, by the kernel and for good, what this process can take from the machine, whatever becomes
 * of the walls inside it: its descriptors, and no core files, which would hold the guest's memory.
 *
 * `RLIMIT_NPROC` is not used: it counts all processes of the user on the machine.
 */
export function limitProcess(kernel: Kernel): void {
  kernel.limit(RLIMIT.core, 0);
  kernel.limit(RLIMIT.nofile, PROCESS_DESCRIPTORS_MAX);
}

/** Bounds this process's private writable memory (`RLIMIT_DATA`) to so many bytes, if it has a bound. */
export function limitData(
  kernel: Kernel,
  { dataBytesMax }: { readonly dataBytesMax?: number },
): void {
  if (dataBytesMax !== undefined) kernel.limit(RLIMIT.data, dataBytesMax);
}
