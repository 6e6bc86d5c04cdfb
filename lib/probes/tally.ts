/**
 * When answers are believed.
 *
 * @module
 */
import type { ProbeTimes } from "./spec.ts";

/** What one attempt says. */
export type Answer = "success" | "failure";

/** Counts the same answers in a row. Plain data. */
export interface Tally {
  readonly answer: Answer | undefined;
  readonly count: number;
}

/** Nothing was asked yet. */
export const NO_ANSWERS: Tally = { answer: undefined, count: 0 };

/** Counts one more answer; `believed` is true from the moment on at which its threshold is reached. */
export function count(
  tally: Tally,
  { answer, times }: {
    readonly answer: Answer;
    readonly times: Pick<ProbeTimes, "successThreshold" | "failureThreshold">;
  },
): Tally & { readonly believed: boolean } {
  const inRow = tally.answer === answer ? tally.count + 1 : 1;
  const threshold = answer === "success" ? times.successThreshold : times.failureThreshold;
  return { answer, count: inRow, believed: inRow >= threshold };
}
