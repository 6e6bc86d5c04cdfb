/**
 * What every program tells of its own process, under the names that all of them use.
 *
 * @module
 */
import { readdir, readFile } from "node:fs/promises";
import process from "node:process";
import type { Family } from "./family.ts";

/** When this program was started, in seconds since 1970. */
const STARTED_SECONDS = (Date.now() - performance.now()) / 1000;

/** This process: CPU time, memory, descriptors, age. What the system does not say is left out. */
export async function processFamilies(): Promise<Family[]> {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = Deno.memoryUsage();
  const one = (name: string, type: Family["type"], help: string, value: number): Family => ({
    name,
    type,
    help,
    samples: [{ labels: {}, value }],
  });
  return [
    one(
      "process_cpu_seconds_total",
      "counter",
      "Total user and system CPU time spent in seconds.",
      (user + system) / 1e6,
    ),
    one("process_resident_memory_bytes", "gauge", "Resident memory size in bytes.", rss),
    one("process_heap_bytes", "gauge", "Process heap size in bytes.", heapUsed),
    startTimeFamily(),
    ...await linuxFamilies(one),
  ];
}

/** When this process was started. */
export function startTimeFamily(): Family {
  return {
    name: "process_start_time_seconds",
    type: "gauge",
    help: "Start time of the process since unix epoch in seconds.",
    samples: [{ labels: {}, value: STARTED_SECONDS }],
  };
}

async function linuxFamilies(
  one: (name: string, type: Family["type"], help: string, value: number) => Family,
): Promise<Family[]> {
  if (Deno.build.os !== "linux") return [];
  try {
    const [open, limits, status] = await Promise.all([
      readdir("/proc/self/fd"),
      readFile("/proc/self/limits", "utf8"),
      readFile("/proc/self/status", "utf8"),
    ]);
    const fdsMax = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Infinity);
    const virtualKib = Number(/^VmSize:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
    return [
      one("process_open_fds", "gauge", "Number of open file descriptors.", open.length),
      one("process_max_fds", "gauge", "Maximum number of open file descriptors.", fdsMax),
      one(
        "process_virtual_memory_bytes",
        "gauge",
        "Virtual memory size in bytes.",
        virtualKib * 1024,
      ),
    ];
  } catch {
    return []; // a /proc that is hidden
  }
}
