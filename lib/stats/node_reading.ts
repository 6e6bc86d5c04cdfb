/**
 * Looks at what the whole machine uses.
 *
 * @module
 */
import { readFile, statfs } from "node:fs/promises";
import { cpus } from "node:os";
import { readMemory } from "../node/machine.ts";
import { cpuLimitMillis, parseCgroupPath } from "../node/proc_files.ts";

/** What the machine uses, or the control group that confines this program to a part of it. */
export interface NodeReading {
  /** CPU time of everything since the machine began, in nanoseconds; absent if nobody can tell. */
  readonly cpuNanos?: number;
  readonly memory: { readonly totalBytes: number; readonly availableBytes: number };
}

/** A filesystem, in bytes and inodes; those that make inodes as they are needed have none to tell. */
export interface DiskReading {
  readonly capacityBytes: number;
  readonly availableBytes: number;
  readonly usedBytes: number;
  readonly inodes?: number;
  readonly inodesFree?: number;
}

/** Linux counts in ticks of `USER_HZ`, which is 100. */
const NANOS_PER_TICK = 10_000_000;
const NANOS_PER_MS = 1_000_000;

/** Looks at CPU and memory. */
export async function readNode(): Promise<NodeReading> {
  const [cpuNanos, memory] = await Promise.all([readCpuNanos(), readMemory()]);
  return { ...(cpuNanos === undefined ? {} : { cpuNanos }), memory };
}

/** Looks at the filesystem that holds the path; `undefined` if there is no such path. */
export async function readDisk(path: string): Promise<DiskReading | undefined> {
  try {
    const { blocks, bfree, bavail, bsize, files, ffree } = await statfs(path);
    return {
      capacityBytes: blocks * bsize,
      availableBytes: bavail * bsize,
      usedBytes: (blocks - bfree) * bsize,
      ...(files > 0 ? { inodes: files, inodesFree: ffree } : {}),
    };
  } catch {
    return undefined;
  }
}

async function readCpuNanos(): Promise<number | undefined> {
  if (Deno.build.os !== "linux") return sumOfCpus();
  return await confinedCpuNanos() ?? parseProcStat(await readText("/proc/stat"));
}

/** Time that is not idle, of the first line of `/proc/stat` (proc(5)): all CPUs together. */
export function parseProcStat(text: string): number | undefined {
  const fields = /^cpu +(.*)$/m.exec(text)?.[1]?.split(" ").map(Number);
  if (fields === undefined) return undefined;
  const [user = 0, nice = 0, system = 0, _idle, _iowait, irq = 0, softirq = 0] = fields;
  // Time of guests (of a hypervisor) is in `user` and `nice` already; stolen time was not used here.
  return (user + nice + system + irq + softirq) * NANOS_PER_TICK;
}

/** What a control group used that may use a part of the CPUs: then that part is the machine. */
async function confinedCpuNanos(): Promise<number | undefined> {
  const path = parseCgroupPath(await readText("/proc/self/cgroup"));
  if (path === undefined) return undefined;
  const folder = `/sys/fs/cgroup${path}`;
  if (cpuLimitMillis(await readText(`${folder}/cpu.max`)) === undefined) return undefined;
  const micros = /^usage_usec (\d+)$/m.exec(await readText(`${folder}/cpu.stat`))?.[1];
  return micros === undefined ? undefined : Number(micros) * 1000;
}

function sumOfCpus(): number | undefined {
  const all = cpus();
  if (all.length === 0) return undefined;
  const ms = all.reduce((sum, { times }) => sum + times.user + times.nice + times.sys, 0);
  return ms * NANOS_PER_MS;
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return "";
  }
}
