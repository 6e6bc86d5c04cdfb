import { FSTFLAG } from "../abi.ts";
import { ERRNO } from "../errno.ts";
import type { Times, TimeSetting } from "../host/host.ts";
import { Refusal } from "../refusal.ts";

/** An unsigned 64-bit argument as a number; refused with `inval` if no file is that long. */
export function unsigned(value: bigint): number {
  const number = Number(BigInt.asUintN(64, value));
  if (number > Number.MAX_SAFE_INTEGER) throw new Refusal(ERRNO.inval);
  return number;
}

/** A signed 64-bit argument as a number; refused with `inval` if no file is that long. */
export function signed(value: bigint): number {
  const number = Number(BigInt.asIntN(64, value));
  if (!Number.isSafeInteger(number)) throw new Refusal(ERRNO.inval);
  return number;
}

/** Refuses bits that are not in `known` with `inval`. */
export function checkBits(value: number, known: number): number {
  if ((value & ~known) !== 0) throw new Refusal(ERRNO.inval);
  return value;
}

/** The arguments of the calls that set times: nanoseconds since 1970, and `fstflags`. */
export interface TimeArguments {
  readonly atim: bigint;
  readonly mtim: bigint;
  readonly flags: number;
}

/** The times that `fstflags` chooses; refused with `inval` if it wants a time and the present. */
export function timesOf({ atim, mtim, flags }: TimeArguments): Times {
  checkBits(flags, FSTFLAG.atim | FSTFLAG.atimNow | FSTFLAG.mtim | FSTFLAG.mtimNow);
  return {
    atim: timeOf(atim, { set: flags & FSTFLAG.atim, now: flags & FSTFLAG.atimNow }),
    mtim: timeOf(mtim, { set: flags & FSTFLAG.mtim, now: flags & FSTFLAG.mtimNow }),
  };
}

function timeOf(time: bigint, { set, now }: { set: number; now: number }): TimeSetting {
  if (set !== 0 && now !== 0) throw new Refusal(ERRNO.inval);
  if (now !== 0) return "now";
  return set === 0 ? "keep" : BigInt.asUintN(64, time);
}
