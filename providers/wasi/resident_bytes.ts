/**
 * How much memory a process takes.
 *
 * @module
 */

const KIB = 1_024;

/** Bytes that are in the machine's memory for this process alone or with others (Linux, `VmRSS` of proc(5)). */
export async function residentBytes(pid: number): Promise<number | undefined> {
  try {
    const text = await Deno.readTextFile(`/proc/${pid}/status`);
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1];
    return kib === undefined ? undefined : Number(kib) * KIB;
  } catch {
    return undefined; // another system, or a process that is gone
  }
}
