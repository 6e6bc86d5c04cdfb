/**
 * How long the fuzzers go on: a fraction of a second, unless `deno task fuzz`
 * says otherwise. For tests only.
 *
 * @module
 */

/** Cases for each fuzzer: `FUZZ_CASES`. */
const CASES = wholeNumber("FUZZ_CASES");
/** The seed of the first case; each case adds one. `FUZZ_SEED` with `FUZZ_CASES=1` is one case. */
export const SEED = wholeNumber("FUZZ_SEED") ?? 20_260;

/** Cases to try: what was asked for, or `otherwise`. Those that cost much try one in `per`. */
export function casesOf(otherwise: number, per = 1): number {
  return CASES === undefined ? otherwise : Math.ceil(CASES / per);
}

/** Tells what was found, if somebody has asked for more than the tests do. */
export function tell(found: string): void {
  if (CASES !== undefined) console.log(found);
}

function wholeNumber(variable: string): number | undefined {
  const text = Deno.env.get(variable);
  if (text === undefined) return undefined;
  if (/^[0-9]{1,15}$/.test(text)) return Number(text);
  throw new RangeError(`Cannot read ${variable} "${text}": it must be a whole number`);
}
