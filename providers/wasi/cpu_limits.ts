/**
 * What keeps guests within their CPU limits on this machine.
 *
 * @module
 */
import { CpuAlarms } from "./cpu_alarms.ts";
import { CpuBrake } from "./cpu_brake.ts";
import { CpuClock } from "./cpu_clock.ts";
import type { CpuKeeper } from "./cpu_keeper.ts";
import { GuestCgroups } from "./guest_cgroups.ts";
import { findLibc } from "./libc_path.ts";

/**
 * The best that this machine has: control groups where there is a tree of our own, else stops by this
 * program. `undefined` where there is neither: not Linux. Call it before any guest process is booted.
 *
 * `warn` hears of a container that control groups would not take.
 */
export function openCpuLimits(warn: (message: string) => void): CpuKeeper | undefined {
  const libc = findLibc();
  const clock = CpuClock.open(libc);
  if (clock === undefined) return undefined;
  const brake = new CpuBrake({
    clock,
    alarms: (onRing) => CpuAlarms.open(libc, onRing),
    cpus: navigator.hardwareConcurrency,
  });
  const groups = GuestCgroups.open();
  return groups === undefined ? brake : withFallback(groups, brake, warn);
}

/** The second for whoever the first does not take, as when the machine has no more control groups. */
export function withFallback(
  first: CpuKeeper,
  second: CpuKeeper,
  warn: (message: string) => void,
): CpuKeeper {
  return {
    how: first.how,
    async hold(id, process, bounds): Promise<AsyncDisposable> {
      try {
        return await first.hold(id, process, bounds);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        warn(`${message}; it is kept within its CPU limit by ${second.how}`);
        return await second.hold(id, process, bounds);
      }
    },
    change(id, cpuMillis): boolean {
      return first.change(id, cpuMillis) || second.change(id, cpuMillis);
    },
    close(): void {
      first.close();
      second.close();
    },
  };
}
