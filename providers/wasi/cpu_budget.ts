/**
 * Decides when a guest that has a CPU limit has to rest, from what it has used.
 *
 * An account is filled at the rate of the limit and emptied by the time that the guest's processes
 * run. One that is empty means rest; what was used beyond it is a debt, so that looks which come late
 * make rests longer and the limit holds on the average.
 *
 * @module
 */
import {
  CPU_IDLE_LOOK_MS,
  CPU_IDLE_PAUSE_MS,
  CPU_LOOK_MS_MIN,
  CPU_PAUSE_MS_MAX,
  CPU_PERIOD_MS,
  CPU_REST_MS_MIN,
} from "./limits.ts";

/** What is known of one container. Times are of a clock that only goes forward, in ms. */
export interface CpuAccount {
  /** How many CPUs it may use, as 0.25. */
  readonly share: number;
  /** CPU time that it may still use; negative after it has used more. */
  readonly balanceMs: number;
  readonly resting: boolean;
  readonly atMs: number;
  /** When it is to be looked at again. */
  readonly nextMs: number;
  /** True if it has used so little for so long that nobody need look before it uses up what it has. */
  readonly calm: boolean;
}

/** What one look saw. */
export interface CpuLook {
  readonly nowMs: number;
  /** CPU time that all its processes together have used since the last look. */
  readonly usedMs: number;
  /** CPUs that the machine has. */
  readonly cpus: number;
}

/** The account of a container that begins, or is given another limit: a period's time to begin with. */
export function openAccount(share: number, nowMs: number): CpuAccount {
  const balanceMs = share * CPU_PERIOD_MS;
  const nextMs = nowMs + lookAfter(share, balanceMs, 1);
  return { share, balanceMs, resting: false, atMs: nowMs, nextMs, calm: false };
}

/**
 * The account after a look: `resting` says whether the container is to rest from now on. One that sleeps
 * is looked at less and less often, at most so rarely that waking up costs it no long rest.
 */
export function look(account: CpuAccount, { nowMs, usedMs, cpus }: CpuLook): CpuAccount {
  const { share, atMs } = account;
  const passedMs = Math.max(0, nowMs - atMs);
  const wholeMs = account.balanceMs + passedMs * share - usedMs;
  // Time that nobody used is not saved up; and a debt, as of an agent that slept, has an end.
  const balanceMs = clamp(wholeMs, -share * CPU_PAUSE_MS_MAX, share * CPU_PERIOD_MS);
  const missingMs = (restMs(share) * share - balanceMs) / share;
  const resting = account.resting ? missingMs > 0 : balanceMs <= 0;
  const seen = { share, balanceMs, resting, atMs: nowMs, calm: false };
  if (resting) return { ...seen, nextMs: nowMs + Math.max(CPU_LOOK_MS_MIN, missingMs) };
  const rate = account.resting || passedMs === 0 ? 1 : usedMs / passedMs;
  const busyMs = lookAfter(share, balanceMs, clamp(Math.ceil(rate), 1, cpus));
  if (rate > share || account.resting) return { ...seen, nextMs: nowMs + busyMs };
  const calmMs = Math.max(busyMs, 2 * passedMs);
  const everyMs = idleLookMs(share);
  if (calmMs < everyMs && !account.calm) return { ...seen, nextMs: nowMs + calmMs };
  return { ...seen, nextMs: nowMs + untilGrid(nowMs, everyMs), calm: true };
}

/** Until the next look at those that sleep: one waking of the agent serves all that are looked at as often. */
function untilGrid(nowMs: number, everyMs: number): number {
  // What comes a hair too early is not looked at twice.
  return (Math.floor(nowMs / everyMs + 0.1) + 1) * everyMs - nowMs;
}

/** How long a rest without a debt is: with what has come in by then, one thread runs for the rest of a period. */
function restMs(share: number): number {
  return Math.max(CPU_REST_MS_MIN, CPU_PERIOD_MS * (1 - share));
}

/** When the account may be empty if so many threads run all the time. */
function lookAfter(share: number, balanceMs: number, threads: number): number {
  const rate = threads - share;
  const emptyMs = rate > 0 ? balanceMs / rate : Infinity;
  return clamp(emptyMs, CPU_LOOK_MS_MIN, idleLookMs(share));
}

/** A smaller share has to rest longer for what it used unseen. */
function idleLookMs(share: number): number {
  return clamp(share * CPU_IDLE_PAUSE_MS, CPU_IDLE_LOOK_MS.min, CPU_IDLE_LOOK_MS.max);
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value));
}
