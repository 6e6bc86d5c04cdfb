/**
 * Reads what this machine is and what it has left.
 *
 * @module
 */
import { readFile, statfs } from "node:fs/promises";
import { release, type, version } from "node:os";
import {
  cpuLimitMillis,
  fewestPids,
  memoryLimitBytes,
  parseCgroupPath,
  parseOsRelease,
} from "./proc_files.ts";

/** What does not change while the agent runs. Unknown texts are empty. */
export interface MachineFacts {
  /** Thousandths of a CPU that this program may use. */
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  /** Size of the filesystem that holds the data directory. */
  readonly diskBytes: number;
  /** Sizes of huge pages as the kernel names them, as `2Mi` and `1Gi`; Linux only. */
  readonly hugePages: readonly string[];
  readonly osImage: string;
  readonly kernelVersion: string;
  readonly machineId: string;
  readonly bootId: string;
  readonly systemUuid: string;
}

/** Reads the facts of this machine. `dataDir` must exist. */
export async function readMachineFacts(dataDir: string): Promise<MachineFacts> {
  const disk = await statfs(dataDir);
  const memory = await readMemory();
  const cpuMax = await readCgroup("cpu.max");
  return {
    cpuMillis: Math.min(navigator.hardwareConcurrency * 1_000, cpuLimitMillis(cpuMax) ?? Infinity),
    memoryBytes: memory.totalBytes,
    diskBytes: disk.blocks * disk.bsize,
    hugePages: await readHugePages(),
    osImage: parseOsRelease(await readText("/etc/os-release")) ?? `${type()} ${version()}`.trim(),
    kernelVersion: release(),
    machineId: (await readText("/etc/machine-id")).trim(),
    bootId: (await readText("/proc/sys/kernel/random/boot_id")).trim(),
    systemUuid: (await readText("/sys/class/dmi/id/product_uuid")).trim(),
  };
}

/**
 * How many processes there are and can be, each of their threads counted: on the machine, or in the control group that
 * this program is confined to, if that has less left. `undefined` if the system does not say.
 */
export async function readPids(): Promise<{ running: number; max: number } | undefined> {
  if (Deno.build.os !== "linux") return undefined;
  const [load, ...limits] = await Promise.all(
    ["/proc/loadavg", "/proc/sys/kernel/pid_max", "/proc/sys/kernel/threads-max"].map(readText),
  );
  const [current, max] = await Promise.all(["pids.current", "pids.max"].map(readCgroup));
  return fewestPids({ load: load!, limits, group: { current: current!, max: max! } });
}

/** The machine's memory, or that of the control group that this program is confined to. */
export async function readMemory(): Promise<{ totalBytes: number; availableBytes: number }> {
  const info = Deno.systemMemoryInfo();
  const { total } = info;
  const available = availableBytes(info);
  const limit = memoryLimitBytes(await readCgroup("memory.max"));
  if (limit === undefined || limit >= total) {
    return { totalBytes: total, availableBytes: available };
  }
  const used = Number(await readCgroup("memory.current"));
  // Pages of files that nobody touched lately are given back before anything else.
  const idle = Number((await readCgroup("memory.stat")).match(/^inactive_file (\d+)$/m)?.[1] ?? 0);
  const left = Math.max(0, limit - Math.max(0, used - idle));
  return { totalBytes: limit, availableBytes: Math.min(available, left) };
}

/** Of Windows the runtime says 0, and calls free what is available there. */
export function availableBytes(
  { available, free }: Pick<Deno.SystemMemoryInfo, "available" | "free">,
): number {
  return available === 0 ? free : available;
}

/** One file of this program's control group (version 2); empty where there is none. */
async function readCgroup(file: string): Promise<string> {
  if (Deno.build.os !== "linux") return "";
  const path = parseCgroupPath(await readText("/proc/self/cgroup"));
  return path === undefined ? "" : await readText(`/sys/fs/cgroup${path}/${file}`);
}

async function readHugePages(): Promise<string[]> {
  const sizes: string[] = [];
  try {
    for await (const { name } of Deno.readDir("/sys/kernel/mm/hugepages")) {
      const kib = Number(name.match(/^hugepages-(\d+)kB$/)?.[1]);
      if (kib > 0) sizes.push(kib % 1_048_576 === 0 ? `${kib / 1_048_576}Gi` : `${kib / 1_024}Mi`);
    }
  } catch {
    // Not Linux, or a kernel without huge pages.
  }
  return sizes.sort();
}

/** A file's text; empty if it cannot be read, as those of other systems and of root. */
async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return "";
  }
}
