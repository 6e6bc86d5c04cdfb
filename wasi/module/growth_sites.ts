import type { Bodies } from "./code.ts";
import { findGrowths, type Growth, MEMORY_GROW } from "./instructions.ts";
import { GROWTH_CODE_BYTES_MAX, GROWTHS_MAX } from "./limits.ts";
import { PairScanner } from "./pair_scanner.ts";
import { Reader } from "./reader.ts";

/** A function that grows memory, and where. */
export interface GrowingBody {
  /** Number of the function among the module's own. */
  readonly index: number;
  /** In the order of the code; at least one. */
  readonly growths: readonly Growth[];
}

/**
 * Finds all functions that grow memory. Only those are read that have the bytes of a `memory.grow`
 * anywhere, which few have by chance.
 *
 * `undefined` if they cannot all be found: an instruction is not known here, or there are more than
 * {@linkcode GROWTHS_MAX} of them, or more code to read than {@linkcode GROWTH_CODE_BYTES_MAX}.
 *
 * @throws {MalformedError} For code that cannot be read.
 */
export function findGrowing(
  module: Uint8Array,
  { bodies, memories }: { readonly bodies: Bodies; readonly memories: number },
): readonly GrowingBody[] | undefined {
  const found: GrowingBody[] = [];
  const scanner = new PairScanner(module);
  // An index below 128, the most memories there are, is in the seven lower bits however it is written.
  const pair = { first: MEMORY_GROW, below: memories };
  const code = codeOf(bodies);
  let [growths, bytes] = [0, 0];
  for (let next = code.at;;) {
    const first = scanner.find({ at: next, end: code.end }, pair);
    if (first < 0) return found;
    const index = bodies.indexAt(first);
    const body = bodies.part(index);
    next = Math.max(first + 1, body.at);
    if (first < body.at) continue; // it is the body's length
    bytes += body.end - body.at;
    if (bytes > GROWTH_CODE_BYTES_MAX) return undefined;
    let last = first;
    for (let at = first; at >= 0; at = scanner.find({ at: at + 1, end: body.end }, pair)) last = at;
    const inside = findGrowths(new Reader(module, body), last);
    if (inside === undefined) return undefined;
    growths += inside.length;
    if (growths > GROWTHS_MAX) return undefined;
    if (inside.length > 0) found.push({ index, growths: inside });
    next = body.end;
  }
}

function codeOf({ count, part }: Bodies): { readonly at: number; readonly end: number } {
  return count === 0 ? { at: 0, end: 0 } : { at: part(0).at, end: part(count - 1).end };
}
