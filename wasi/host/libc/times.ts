import type { Times, TimeSetting } from "../host.ts";
import { UTIME_NOW, UTIME_OMIT } from "./constants.ts";

/** Nanoseconds of one second. */
export const NS_PER_S = 1_000_000_000n;

/** The two `struct timespec` that `utimensat` and `futimens` take. */
export function timespecs(times: Times): BigInt64Array<ArrayBuffer> {
  return new BigInt64Array([...timespec(times.atim), ...timespec(times.mtim)]);
}

function timespec(time: TimeSetting): [bigint, bigint] {
  if (time === "now") return [0n, UTIME_NOW];
  if (time === "keep") return [0n, UTIME_OMIT];
  return [time / NS_PER_S, time % NS_PER_S];
}
