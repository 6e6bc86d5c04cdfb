import { modulesOf } from "./grants.ts";
import { CODE_BYTES_PER_MODULE_BYTE, HOST_BYTES_MAX } from "./limits.ts";
import type { Order } from "./protocol.ts";

/** Field of `/proc/<pid>/statm` with the pages of data and stack. */
const DATA_PAGES = 5;
/** Bytes of a page where nobody says otherwise; ARM machines may have larger ones. */
const PAGE_BYTES = 4_096;

/**
 * The `RLIMIT_DATA` with which a process runs a guest that has a memory limit: what the idle process
 * has now, the guest's memory, and named bounds for what the host needs beside.
 *
 * The guest's own memory is bounded exactly, by its module. This is the wall behind that one, kept by
 * the kernel: objects of WasmGC, tables and whatever else a guest makes the host hold count here. A module
 * that is found only later, in the guest's view, must do without its share for code.
 * `undefined` where there is no limit, or not on Linux.
 */
export async function dataBytesMax(order: Order, pid: number): Promise<number | undefined> {
  if (order.memoryBytes === undefined || Deno.build.os !== "linux") return undefined;
  try {
    const [statm, ...modules] = await Promise.all([
      Deno.readTextFile(`/proc/${pid}/statm`),
      ...modulesOf(order).map((path) => Deno.stat(path)),
    ]);
    const idleBytes = Number(statm.split(" ")[DATA_PAGES]) * PAGE_BYTES;
    const moduleBytes = Math.max(0, ...modules.map(({ size }) => size));
    const codeBytes = moduleBytes * CODE_BYTES_PER_MODULE_BYTE;
    return idleBytes + order.memoryBytes + HOST_BYTES_MAX + codeBytes;
  } catch {
    return undefined; // the process or the module is gone, which the run itself will tell
  }
}
