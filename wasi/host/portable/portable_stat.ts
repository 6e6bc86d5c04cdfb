import type { BigIntStats } from "node:fs";
import { FILETYPE } from "../../abi.ts";
import type { FileStat } from "../host.ts";
import { setTimes, type TwoTimes } from "./set_times.ts";

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
  out.setKind(filetypeOf(stats), Number(stats.mode));
  out.nlink = stats.nlink;
  out.size = stats.size;
  const { atimNs, mtimNs } = setTimes.exact(stats);
  out.atimNs = atimNs;
  out.mtimNs = mtimNs;
  out.ctimNs = stats.ctimeNs;
}

/** The two times as seconds for a descriptor (`futimes`). A double holds today's to a quarter of a µs. */
export function secondsOf({ atimNs, mtimNs }: TwoTimes): [number, number] {
  const seconds = (ns: bigint): number => Number(ns + ROUNDING_NS) / 1e9;
  return [seconds(atimNs), seconds(mtimNs)];
}

/** The two times as seconds for a path (`lutimes`), where `node:fs` cuts them to milliseconds. */
export function roundSecondsOf({ atimNs, mtimNs }: TwoTimes): [number, number] {
  // To the middle of the millisecond: cut off there, the millisecond stays the same.
  const seconds = (ns: bigint): number => (Number(ns / NS_PER_MS) + 0.5) / 1e3;
  return [seconds(atimNs), seconds(mtimNs)];
}

const NS_PER_MS = 1_000_000n;
/** What the nearest double may be too low by, so that cutting it off does not lose a millisecond. */
const ROUNDING_NS = 250n;
