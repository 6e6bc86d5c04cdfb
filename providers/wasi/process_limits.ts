import type { DescriptorShare } from "../../wasi/mod.ts";
import type { Kernel } from "./kernel.ts";
import {
  PROCESS_DESCRIPTORS_MAX,
  SHARED_DESCRIPTORS_EACH_MAX,
  SHARED_DESCRIPTORS_KEPT,
  SHARED_GUESTS_MAX,
} from "./limits.ts";

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

/**
 * Bounds a process that many guests share: no core files, and as many descriptors as all of them may have, or
 * as the machine lets it have. Answers what each guest may have of these.
 */
export function limitShared(kernel: Kernel): DescriptorShare {
  kernel.limit(RLIMIT.core, 0);
  const wanted = SHARED_DESCRIPTORS_KEPT + SHARED_GUESTS_MAX * SHARED_DESCRIPTORS_EACH_MAX;
  const numbers = Math.min(kernel.hardLimit(RLIMIT.nofile) ?? PROCESS_DESCRIPTORS_MAX, wanted);
  kernel.limit(RLIMIT.nofile, numbers);
  return shareOf(numbers);
}

/**
 * What one of {@linkcode SHARED_GUESTS_MAX} guests may have of so many descriptors. Where they are too few for
 * all, half of them are for everybody alike, and the other half for who comes first: the kernel gives the lowest
 * number that is free, so a high one tells that those are taken.
 */
export function shareOf(numbers: number): DescriptorShare {
  const most = SHARED_DESCRIPTORS_EACH_MAX;
  const room = numbers - Math.min(SHARED_DESCRIPTORS_KEPT, Math.floor(numbers / 2));
  const enough = room >= SHARED_GUESTS_MAX * most;
  const sure = enough ? most : Math.floor(room / 2 / SHARED_GUESTS_MAX);
  return { numbers, sure, most, common: room - SHARED_GUESTS_MAX * sure };
}

/** Bounds this process's private writable memory (`RLIMIT_DATA`) to so many bytes, if it has a bound. */
export function limitData(
  kernel: Kernel,
  { dataBytesMax }: { readonly dataBytesMax?: number },
): void {
  if (dataBytesMax !== undefined) kernel.limit(RLIMIT.data, dataBytesMax);
}
