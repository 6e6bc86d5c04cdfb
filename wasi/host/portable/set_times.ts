import type { BigIntStats } from "node:fs";
import type { Times, TimeSetting } from "../host.ts";
import { identityOf } from "./look.ts";

/** Files whose times are remembered: as many as an archive's, and less than a MiB. */
const FILES_REMEMBERED_MAX = 4_096;

const NS_PER_MS = 1_000_000n;

/** A time that was set, and what the system tells of it. */
interface Remembered {
  readonly toldNs: bigint;
  readonly exactNs: bigint;
}

/** The two times of a file that can be set, in nanoseconds since 1970. */
export interface TwoTimes {
  readonly atimNs: bigint;
  readonly mtimNs: bigint;
}

/**
 * The times that this process has set, to the nanosecond. Deno tells times to the millisecond, so that
 * a guest that sets one and looks would find another; as long as the system still tells what it told
 * right after, the guest is told what it has set.
 */
export class SetTimes {
  readonly #files = new Map<string, readonly [atim: Remembered, mtim: Remembered]>();

  /** The times of a file that was looked at. */
  exact(stats: BigIntStats): TwoTimes {
    const { atimeNs, mtimeNs } = stats;
    const known = this.#files.size === 0 ? undefined : this.#files.get(identityOf(stats));
    if (known === undefined) return { atimNs: atimeNs, mtimNs: mtimeNs };
    const [atim, mtim] = known;
    return {
      atimNs: atim.toldNs === atimeNs ? atim.exactNs : atimeNs,
      mtimNs: mtim.toldNs === mtimeNs ? mtim.exactNs : mtimeNs,
    };
  }

  /** What a file's times are to be, given how they were asked for. */
  wanted(times: Times, stats: BigIntStats): TwoTimes {
    const { atimNs, mtimNs } = this.exact(stats);
    return { atimNs: wantedNs(times.atim, atimNs), mtimNs: wantedNs(times.mtim, mtimNs) };
  }

  /** Remembers what was set, by a look that was taken afterwards. */
  remember(wanted: TwoTimes, stats: BigIntStats): void {
    const identity = identityOf(stats);
    this.#files.delete(identity); // so that it becomes the newest
    this.#files.set(identity, [
      remembered(stats.atimeNs, wanted.atimNs),
      remembered(stats.mtimeNs, wanted.mtimNs),
    ]);
    if (this.#files.size <= FILES_REMEMBERED_MAX) return;
    const [oldest] = this.#files.keys();
    this.#files.delete(oldest!);
  }
}

/** Of this process: a file's times are the same for all of its guests. */
export const setTimes = new SetTimes();

/** A file system that cannot hold the time, or not as exactly as Deno tells it, is believed. */
function remembered(toldNs: bigint, wantedNs: bigint): Remembered {
  const holds = toldNs - wantedNs < NS_PER_MS && wantedNs - toldNs < NS_PER_MS;
  return { toldNs, exactNs: holds ? wantedNs : toldNs };
}

function wantedNs(time: TimeSetting, presentNs: bigint): bigint {
  if (time === "now") return BigInt(Date.now()) * NS_PER_MS;
  return time === "keep" ? presentNs : time;
}
