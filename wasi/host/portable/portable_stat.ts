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

/**
 * The two times as seconds for a descriptor (`futimes`). A double holds today's to a quarter of a
 * microsecond; `node:fs` tells times only to the millisecond, and those that are kept with them.
 */
export function secondsOf(times: Times, stats: BigIntStats): [number, number] {
  const seconds = (ns: bigint): number => Number(ns + ROUNDING_NS) / 1e9;
  return [seconds(nsOf(times.atim, stats.atimeNs)), seconds(nsOf(times.mtim, stats.mtimeNs))];
}

/** The two times as seconds for a path (`lutimes`), where `node:fs` cuts them to milliseconds. */
export function roundSecondsOf(times: Times, stats: BigIntStats): [number, number] {
  // To the middle of the millisecond: cut off there, the millisecond stays the same.
  const seconds = (ns: bigint): number => (Number(ns / NS_PER_MS) + 0.5) / 1e3;
  return [seconds(nsOf(times.atim, stats.atimeNs)), seconds(nsOf(times.mtim, stats.mtimeNs))];
}

const NS_PER_MS = 1_000_000n;
/** What the nearest double may be too low by, so that cutting it off does not lose a millisecond. */
const ROUNDING_NS = 250n;

function nsOf(time: TimeSetting, presentNs: bigint): bigint {
  if (time === "now") return BigInt(Date.now()) * NS_PER_MS;
  return time === "keep" ? presentNs : time;
}
