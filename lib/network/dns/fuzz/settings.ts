/**
 * How long the fuzzers of names go on: some seconds, unless `deno task fuzz` says otherwise. For tests only.
 *
 * @module
 */

/**
 * What fast-check is told: `FUZZ_CASES` cases from `FUZZ_SEED` on, else the same ones each time. Fuzzers that cost
 * much try one case in `per`.
 */
export function settings(otherwise: number, per = 1): { numRuns: number; seed: number } {
  const cases = wholeNumber("FUZZ_CASES");
  return {
    numRuns: cases === undefined ? otherwise : Math.ceil(cases / per),
    seed: wholeNumber("FUZZ_SEED") ?? 20_260,
  };
}

function wholeNumber(variable: string): number | undefined {
  const text = Deno.env.get(variable);
  if (text === undefined) return undefined;
  if (/^[0-9]{1,9}$/.test(text)) return Number(text);
  throw new RangeError(`Cannot read ${variable} "${text}": it must be a whole number`);
}
