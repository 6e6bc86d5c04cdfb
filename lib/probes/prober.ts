/**
 * One probe of one run of a container: asks in time, and tells when the answers are believed.
 *
 * @module
 */
import { sleep } from "../time.ts";
import { ATTEMPTS_MAX } from "./limits.ts";
import type { Outcome } from "./outcome.ts";
import type { ProbeTimes } from "./spec.ts";
import { type Answer, count, NO_ANSWERS, type Tally } from "./tally.ts";

/** What a {@linkcode probeForever} works with. */
export interface ProberOptions {
  readonly times: ProbeTimes;
  /** Since when the container runs, in ms of `performance.now()`: a clock that is set moves no probe. */
  readonly startedMs: number;
  /** Asks once. Rejects only if the signal is aborted. */
  ask(signal: AbortSignal): Promise<Outcome>;
  /** Hears of each attempt that is not a plain success. */
  onTrouble(outcome: Outcome): void;
  /** Hears of each answer that is believed; `false` ends the asking. */
  onBelieved(answer: Answer): boolean;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** Asks until it is told to end. Never rejects. */
export async function probeForever(options: ProberOptions): Promise<void> {
  const { times, startedMs, signal, ask, onTrouble, onBelieved } = options;
  let tally: Tally = NO_ANSWERS;
  let atMs = startedMs + times.initialDelayMs;
  try {
    while (await until(atMs, signal)) {
      const outcome = await askOnce(ask, signal);
      if (outcome.result !== "success") onTrouble(outcome);
      if (outcome.result !== "error") {
        const answer = outcome.result === "failure" ? "failure" : "success";
        const { believed, ...next } = count(tally, { answer, times });
        tally = next;
        if (believed && !onBelieved(answer)) return;
      }
      // Those that were missed while the last attempt took its time are not made up for.
      const missed = Math.max(0, Math.floor((performance.now() - atMs) / times.periodMs));
      atMs += (missed + 1) * times.periodMs;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** What could not even be asked is asked again, a few times. */
async function askOnce(ask: ProberOptions["ask"], signal: AbortSignal): Promise<Outcome> {
  for (let tried = 1;; tried++) {
    const outcome = await ask(signal);
    if (outcome.result !== "error" || tried >= ATTEMPTS_MAX) return outcome;
  }
}

async function until(atMs: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  const leftMs = atMs - performance.now();
  return leftMs <= 0 || await sleep(leftMs, signal);
}
