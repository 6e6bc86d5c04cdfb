/**
 * How long the fuzzers go on: a few seconds, unless `deno task fuzz` says otherwise. For tests only.
 *
 * @module
 */

/** Paths against the rules, in memory: `FUZZ_PATHS`. */
export const PATHS = numberOf("FUZZ_PATHS", 1_000_000);
/** Paths on a real file system, for each host: `FUZZ_REAL_PATHS`. */
export const REAL_PATHS = numberOf("FUZZ_REAL_PATHS", 10_000);
/** Seconds of each race: `FUZZ_RACE_SECONDS`. */
export const RACE_SECONDS = numberOf("FUZZ_RACE_SECONDS", 2);
/** Sequences of operations, for each host: `FUZZ_SEQUENCES`. */
export const SEQUENCES = numberOf("FUZZ_SEQUENCES", 800);
/** Where random numbers start: `FUZZ_SEED`. It is told when something fails. */
export const SEED = numberOf("FUZZ_SEED", 20_260);

const isLong = Deno.env.has("FUZZ_REAL_PATHS");

/** Tells what was found, if somebody has asked for more than the tests do. */
export function tell(found: string): void {
  if (isLong) console.log(found);
}

function numberOf(variable: string, otherwise: number): number {
  const number = Number(Deno.env.get(variable) ?? otherwise);
  if (Number.isSafeInteger(number)) return number;
  throw new RangeError(`Cannot read ${variable}: it must be a whole number`);
}
