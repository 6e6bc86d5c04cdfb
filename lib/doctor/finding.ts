/**
 * What an examination has found, and how it is printed.
 *
 * @module
 */

/** How bad it is: nothing to do, worth a look, or in the way. */
export type FindingState = "ok" | "warn" | "fail";

/** One thing that was looked at. */
export interface Finding {
  /** What was looked at, one word for scripts. */
  readonly check: string;
  readonly state: FindingState;
  /** What was seen. */
  readonly message: string;
  /** What to do. @default {nothing} */
  readonly advice?: string;
}

/** True if nothing is in the way. */
export function isHealthy(findings: readonly Finding[]): boolean {
  return findings.every(({ state }) => state !== "fail");
}

/** The findings for people, a line or two for each, and a last line that sums up. */
export function findingsText(
  findings: readonly Finding[],
  { colour }: { readonly colour: boolean },
): string {
  const width = Math.max(...findings.map(({ check }) => check.length), 0);
  const lines = findings.flatMap(({ check, state, message, advice }) => [
    `${stateText(state, colour)}  ${check.padEnd(width)}  ${message}`,
    ...(advice === undefined ? [] : [`${" ".repeat(STATE_WIDTH + width + 4)}→ ${advice}`]),
  ]);
  const count = (state: FindingState): number =>
    findings.filter((finding) => finding.state === state).length;
  const sum = isHealthy(findings) ? "Nothing is in the way" : `${count("fail")} in the way`;
  return [...lines, "", `${sum}; ${count("warn")} worth a look`, ""].join("\n");
}

/** The findings for scripts. */
export function findingsJson(findings: readonly Finding[]): string {
  return `${JSON.stringify({ ok: isHealthy(findings), findings }, undefined, 2)}\n`;
}

const STATE_WIDTH = 4;
/** Green, yellow, red. */
const COLOURS: Readonly<Record<FindingState, number>> = { ok: 32, warn: 33, fail: 31 };

function stateText(state: FindingState, colour: boolean): string {
  const text = state.padEnd(STATE_WIDTH);
  return colour ? `\x1b[${COLOURS[state]}m${text}\x1b[0m` : text;
}
