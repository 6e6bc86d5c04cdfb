/**
 * Durations as Go and Kubernetes write them.
 *
 * @module
 */

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/**
 * Reads `1h30m`, `10s`, `1.5s`, `250ms` or `0` as milliseconds.
 *
 * @throws {RangeError} For anything else; a number without a unit is ambiguous.
 */
export function parseDuration(text: string): number {
  if (text === "0") return 0;
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) {
    throw new RangeError(
      /^\d+(\.\d+)?$/.test(text) ? "the unit is missing" : "it is not a duration",
    );
  }
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
    ms += Number(amount) * UNIT_MS[unit!]!;
  }
  return Math.round(ms);
}

/** Prints milliseconds in the shortest form that {@linkcode parseDuration} reads back. */
export function formatDuration(ms: number): string {
  if (ms === 0) return "0";
  let rest = Math.round(ms);
  let text = "";
  for (const unit of ["h", "m", "s", "ms"]) {
    const amount = Math.floor(rest / UNIT_MS[unit]!);
    if (amount > 0) text += `${amount}${unit}`;
    rest -= amount * UNIT_MS[unit]!;
  }
  return text;
}
