/**
 * How long the fuzzers of streams go on: a fraction of a second, unless `deno task fuzz` says
 * otherwise. For tests only.
 *
 * @module
 */
import assert from "node:assert/strict";
import type fc from "fast-check";

/** Cases for each fuzzer: `FUZZ_STREAMS`. */
const CASES = wholeNumber("FUZZ_STREAMS");
/** The same cases each time, unless `FUZZ_SEED` asks for others. */
const SEED = wholeNumber("FUZZ_SEED") ?? 20_260;

/** How much larger the process may become between the first tenth of the cases and the last one. */
const GROWTH_BYTES_MAX = 256 * 1024 * 1024;

/** What fast-check is told. Fuzzers that cost much try one case in `per`. */
export function settings(otherwise: number, per = 1): { numRuns: number; seed: number } {
  const numRuns = CASES === undefined ? otherwise : Math.ceil(CASES / per);
  return { numRuns, seed: SEED };
}

/** Sees to it that cases leave nothing behind. Call `case` before each of them. */
export class MemoryWatch {
  readonly #warmUp: number;
  #cases = 0;
  #atFirst = 0;

  constructor({ numRuns }: { readonly numRuns: number }) {
    this.#warmUp = Math.ceil(numRuns / 10);
  }

  /** One more. */
  case(): void {
    if (++this.#cases === this.#warmUp) this.#atFirst = Deno.memoryUsage().rss;
  }

  /**
   * Call it behind the last one.
   *
   * @throws {AssertionError} if the process has grown.
   */
  finish(name: string): void {
    const grown = Deno.memoryUsage().rss - this.#atFirst;
    if (CASES !== undefined) {
      console.log(`${name}: ${this.#cases} cases, grown by ${Math.round(grown / 1024)} KiB`);
    }
    assert.ok(grown < GROWTH_BYTES_MAX, `${name} leaves memory behind: ${grown} bytes`);
  }
}

/** Cuts bytes into chunks at places that a fuzzer has chosen, in thousandths of their length. */
export function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = places.map((place) => Math.floor(bytes.length * place / 1_000)).sort((a, b) =>
    a - b
  );
  return [...ends, bytes.length].map((end, index) => bytes.slice(ends[index - 1] ?? 0, end));
}

/** A change to bytes that were right. */
export interface Change {
  /** In thousandths of the length. */
  readonly at: number;
  readonly what: "flip" | "remove" | "insert" | "end";
  readonly byte: number;
}

/** Changes that a fuzzer chooses; mostly none or one. */
export function changes(of: typeof fc): fc.Arbitrary<Change[]> {
  const change = of.record({
    at: of.nat(999),
    what: of.constantFrom("flip", "remove", "insert", "end"),
    byte: of.nat(255),
  });
  return of.array(change, { maxLength: 2 });
}

/** Does them, one after the other. */
export function changed(bytes: Uint8Array, todo: readonly Change[]): Uint8Array {
  let result = [...bytes];
  for (const { at, what, byte } of todo) {
    const index = Math.floor(result.length * at / 1_000);
    if (what === "flip" && result.length > 0) result[index] = byte;
    if (what === "remove") result.splice(index, 1 + byte % 8);
    if (what === "insert") result.splice(index, 0, byte);
    if (what === "end") result = result.slice(0, index);
  }
  return Uint8Array.from(result);
}

function wholeNumber(variable: string): number | undefined {
  const text = Deno.env.get(variable);
  if (text === undefined) return undefined;
  if (/^[0-9]{1,9}$/.test(text)) return Number(text);
  throw new RangeError(`Cannot read ${variable} "${text}": it must be a whole number`);
}
