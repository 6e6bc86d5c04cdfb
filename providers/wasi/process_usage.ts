/**
 * What a process, or one of its threads, takes of the machine, as Linux tells it in proc(5).
 *
 * @module
 */
import { readFile } from "node:fs/promises";

const KIB = 1_024;
/** A tick of `utime` and `stime`: `USER_HZ` is 100 on every architecture that the agent runs on. */
const NANOS_PER_TICK = 10_000_000;

/** Memory of a process, in bytes, and its threads. */
export interface ProcessMemory {
  /** What would be free without it: its own pages, and those of its shared memories. */
  readonly ownBytes: number;
  /** All that is in memory for it, also the code that it shares with others. */
  readonly residentBytes: number;
  /** Threads, each of which the system counts against its limit of processes. */
  readonly threads: number;
}

/** CPU time since its start, in nanoseconds; `undefined` for one that is gone, and on other systems. */
export async function cpuNanosOf(pid: number, thread?: number): Promise<number | undefined> {
  const place = thread === undefined ? "" : `/task/${thread}`;
  const text = await readProc(`/proc/${pid}${place}/stat`);
  return text === undefined ? undefined : parseCpuNanos(text);
}

/** `undefined` for a process that is gone, and on other systems. */
export async function memoryOf(pid: number): Promise<ProcessMemory | undefined> {
  const text = await readProc(`/proc/${pid}/status`);
  return text === undefined ? undefined : parseMemory(text);
}

/** `utime` and `stime` of a `stat` file. The name before them may hold anything. */
export function parseCpuNanos(text: string): number | undefined {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  return Number.isSafeInteger(ticks) ? ticks * NANOS_PER_TICK : undefined;
}

/** `VmRSS` and its parts of a `status` file; a process that has ended has none. */
export function parseMemory(text: string): ProcessMemory | undefined {
  const bytes = (name: string): number | undefined => {
    const kib = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1];
    return kib === undefined ? undefined : Number(kib) * KIB;
  };
  const residentBytes = bytes("VmRSS");
  if (residentBytes === undefined) return undefined;
  const threads = Number(/^Threads:\s+(\d+)$/m.exec(text)?.[1] ?? 1);
  const anonymous = bytes("RssAnon");
  // Kernels before 4.5 tell the whole alone.
  if (anonymous === undefined) return { ownBytes: residentBytes, residentBytes, threads };
  return { ownBytes: anonymous + (bytes("RssShmem") ?? 0), residentBytes, threads };
}

async function readProc(path: string): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return undefined;
  try {
    return await readFile(path, "utf8");
  } catch {
    return undefined; // it is gone
  }
}
