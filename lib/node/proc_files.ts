/**
 * Makes sense of the small text files in which Linux describes itself.
 *
 * @module
 */

/** `PRETTY_NAME` of an os-release file (freedesktop.org), or `undefined`. */
export function parseOsRelease(text: string): string | undefined {
  const value = text.match(/^PRETTY_NAME=(.*)$/m)?.[1]?.trim();
  if (value === undefined || value === "") return undefined;
  return /^(["']).*\1$/.test(value) ? value.slice(1, -1).replace(/\\(.)/g, "$1") : value;
}

/** The path of the version 2 control group in `/proc/self/cgroup`; empty for the root. */
export function parseCgroupPath(text: string): string | undefined {
  const path = text.match(/^0::(\/.*)$/m)?.[1];
  return path === "/" ? "" : path;
}

/** `memory.max`: bytes, or `undefined` for no limit. */
export function memoryLimitBytes(text: string): number | undefined {
  return /^\d+\s*$/.test(text) ? Number(text) : undefined;
}

/** `cpu.max`, a quota and a period: thousandths of a CPU, or `undefined` for no limit. */
export function cpuLimitMillis(text: string): number | undefined {
  const [, quota, period] = text.match(/^(\d+) (\d+)\s*$/) ?? [];
  if (quota === undefined || Number(period) === 0) return undefined;
  return Math.max(1, Math.floor((Number(quota) * 1_000) / Number(period)));
}

/**
 * Of the whole machine (`/proc/loadavg`, and the files with its limits) and a control group (`pids.current`,
 * `pids.max`), that which has fewer processes left. `undefined` if neither says.
 */
export function fewestPids(
  { load, limits, group }: {
    readonly load: string;
    readonly limits: readonly string[];
    readonly group: { readonly current: string; readonly max: string };
  },
): { running: number; max: number } | undefined {
  const machine = {
    running: Number(load.match(/\d+\/(\d+)/)?.[1] ?? NaN),
    max: Math.min(...limits.map((text) => countOf(text) ?? Infinity)),
  };
  const own = { running: countOf(group.current) ?? NaN, max: countOf(group.max) ?? Infinity };
  const [fewest] = [machine, own]
    .filter(({ running, max }) => Number.isFinite(max - running))
    .toSorted((one, other) => (one.max - one.running) - (other.max - other.running));
  return fewest;
}

function countOf(text: string): number | undefined {
  return /^\d+\s*$/.test(text) ? Number(text) : undefined;
}
