/**
 * What to do next about a certificate that will end: decisions only, no clock and no disk.
 *
 * @module
 */
import { rotationDeadlineMs } from "./deadline.ts";

/** What counts for the next step about a pair. */
export interface RenewalState {
  /** When to ask for the next one. */
  readonly renewAtMs: number;
  /** False for a pair that somebody else renews. */
  readonly asks: boolean;
  /** Before that nothing is tried again; 0 if nothing failed. */
  readonly retryAtMs: number;
}

/**
 * - `wait`: look again after so many milliseconds, a minute at most.
 * - `ask`: ask for the next pair now.
 * - `remind`: whoever renews it should do so; then wait.
 */
export type RenewalStep =
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "ask" }
  | { readonly do: "remind"; readonly ms: number };

/**
 * The longest time between two looks: a file that somebody replaced is seen within it, and a machine
 * that slept, or whose clock was set, is not late by more.
 */
export const LOOK_MS_MAX = 60_000;

/** Decides the next step about a pair. */
export function planRenewal(state: RenewalState, nowMs: number): RenewalStep {
  const ms = (untilMs: number): number => Math.min(LOOK_MS_MAX, Math.max(0, untilMs - nowMs));
  if (nowMs < state.renewAtMs) return { do: "wait", ms: ms(state.renewAtMs) };
  if (!state.asks) return { do: "remind", ms: LOOK_MS_MAX };
  if (nowMs < state.retryAtMs) return { do: "wait", ms: ms(state.retryAtMs) };
  return { do: "ask" };
}

/**
 * When to ask for the successor of a certificate that was obtained at `obtainedMs`: between 70 % and
 * 90 % of the time that was left then.
 *
 * Signers antedate what they issue (kube-controller-manager by 5 minutes), so a short life would
 * otherwise be three quarters over when it begins, and be renewed again and again.
 */
export function renewalTimeMs(
  life: { readonly notBeforeMs: number; readonly notAfterMs: number },
  { obtainedMs, chance }: { readonly obtainedMs: number; readonly chance: number },
): number {
  const notBeforeMs = Math.max(life.notBeforeMs, obtainedMs);
  if (notBeforeMs >= life.notAfterMs) return life.notAfterMs;
  return rotationDeadlineMs({ ...life, notBeforeMs }, chance);
}

/**
 * How long to wait after a failure, in ms: 2 s, doubled each time up to 5 min, and up to a half more
 * by `chance`; but no longer than a quarter of the time that is left, so that there are always some
 * attempts before the end.
 */
export function retryDelayMs(
  failures: number,
  { leftMs, chance }: { readonly leftMs: number; readonly chance: number },
): number {
  const delayMs = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.max(0, failures - 1));
  const spreadMs = delayMs * (1 + chance / 2);
  return leftMs <= 0 ? spreadMs : Math.max(RETRY_MS_MIN, Math.min(spreadMs, leftMs / 4));
}

/**
 * How long one request may wait for its answer before that is reported, in ms: a kubelet's 15 min,
 * but no longer than a third of the time that is left. The request itself stays, and is found again.
 */
export function answerTimeMs(leftMs: number): number {
  return Math.min(ANSWER_MS_MAX, leftMs <= 0 ? ANSWER_MS_MAX : Math.max(ANSWER_MS_MIN, leftMs / 3));
}

const RETRY_MS_MIN = 2_000;
const RETRY_MS_MAX = 5 * 60_000;
/** A controller approves and signs within it even when it is busy. */
const ANSWER_MS_MIN = 10_000;
const ANSWER_MS_MAX = 15 * 60_000;
