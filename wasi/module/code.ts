import { FUNCTIONS_MAX } from "./limits.ts";
import { Reader } from "./reader.ts";
import type { Section } from "./sections.ts";

/** Where the functions of a module have their code. */
export interface Bodies {
  readonly count: number;
  /** The part of the file that holds the code of the module's own function number `index`. */
  part(index: number): { readonly at: number; readonly end: number };
}

/**
 * Finds the code of every function without reading it.
 *
 * @throws {MalformedError} If the section is too short, or has more functions than V8 takes.
 */
export function readBodies(module: Uint8Array, code: Section): Bodies {
  const reader = new Reader(module, code);
  const count = reader.u32();
  if (count > FUNCTIONS_MAX) reader.fail(`follows a number of functions over ${FUNCTIONS_MAX}`);
  const starts = new Uint32Array(count);
  const ends = new Uint32Array(count);
  for (let index = 0; index < count; index++) {
    const length = reader.u32();
    starts[index] = reader.at;
    reader.pass(length);
    ends[index] = reader.at;
  }
  return { count, part: (index) => ({ at: starts[index]!, end: ends[index]! }) };
}
