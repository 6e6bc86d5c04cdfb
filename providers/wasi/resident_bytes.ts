/**
 * How much memory a process takes, and how many threads.
 *
 * @module
 */

const KIB = 1_024;

/** Bytes that are in the machine's memory for this process alone or with others (Linux, `VmRSS` of proc(5)). */
export async function residentBytes(pid: number): Promise<number | undefined> {
  const kib = await statusField(pid, /^VmRSS:\s+(\d+) kB$/m);
  return kib === undefined ? undefined : kib * KIB;
}

/** Threads of a process (Linux, `Threads` of proc(5)). */
export async function threadCount(pid: number): Promise<number | undefined> {
  return await statusField(pid, /^Threads:\s+(\d+)$/m);
}

async function statusField(pid: number, field: RegExp): Promise<number | undefined> {
  try {
    const found = field.exec(await Deno.readTextFile(`/proc/${pid}/status`))?.[1];
    return found === undefined ? undefined : Number(found);
  } catch {
    return undefined; // another system, or a process that is gone
  }
}
