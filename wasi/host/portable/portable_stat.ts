import type { BigIntStats } from "node:fs";
import { FILETYPE } from "../../abi.ts";
import type { FileStat, Times, TimeSetting } from "../host.ts";

/** WASI's `filetype` of what was looked at; pipes have none of their own. */
export function filetypeOf(stats: BigIntStats): number {
  if (stats.isFile()) return FILETYPE.regularFile;
  if (stats.isDirectory()) return FILETYPE.directory;
  if (stats.isSymbolicLink()) return FILETYPE.symbolicLink;
  if (stats.isCharacterDevice()) return FILETYPE.characterDevice;
  if (stats.isBlockDevice()) return FILETYPE.blockDevice;
  return stats.isSocket() ? FILETYPE.socketStream : FILETYPE.unknown;
}

/** Tells what was looked at. */
export function fill(stats: BigIntStats, out: FileStat): void {
  out.dev = BigInt.asUintN(64, stats.dev);
  out.ino = BigInt.asUintN(64, stats.ino);
  out.filetype = filetypeOf(stats);
  out.nlink = stats.nlink;
  out.size = stats.size;
  out.atimNs = stats.atimeNs;
  out.mtimNs = stats.mtimeNs;
  out.ctimNs = stats.ctimeNs;
}

/** The two times as `node:fs` takes them. It cuts them to milliseconds, those it keeps as well. */
export function datesOf(times: Times, stats: BigIntStats): [Date, Date] {
  return [dateOf(times.atim, stats.atimeNs), dateOf(times.mtim, stats.mtimeNs)];
}

function dateOf(time: TimeSetting, presentNs: bigint): Date {
  if (time === "now") return new Date();
  return new Date(Number((time === "keep" ? presentNs : time) / 1_000_000n));
}
