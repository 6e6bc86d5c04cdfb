import { FUNCTIONS_MAX } from "./limits.ts";
import { MalformedError, Reader } from "./reader.ts";
import { SECTION, type Section } from "./sections.ts";

/** Where the functions of a module have their code. */
export interface Bodies {
  readonly count: number;
  /** The part of the file that holds the code of the module's own function number `index`. */
  part(index: number): Body;
  /** The number of the function that has the code, or its length, at an offset in the section. */
  indexAt(offset: number): number;
}

/** Where the code of a function is. Offsets in the file. */
export interface Body {
  /** The first byte of its length. */
  readonly start: number;
  readonly at: number;
  readonly end: number;
}

/** As {@linkcode readBodies}; `undefined` for a module without code, or if that cannot be read. */
export function findBodies(module: Uint8Array, sections: readonly Section[]): Bodies | undefined {
  const section = sections.find(({ id }) => id === SECTION.code);
  if (section === undefined) return undefined;
  try {
    return readBodies(module, section);
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
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
  const first = reader.at;
  const starts = new Uint32Array(count);
  const ends = new Uint32Array(count);
  for (let index = 0; index < count; index++) {
    const length = reader.u32();
    starts[index] = reader.at;
    reader.pass(length);
    ends[index] = reader.at;
  }
  return {
    count,
    part: (index) => ({
      start: index === 0 ? first : ends[index - 1]!,
      at: starts[index]!,
      end: ends[index]!,
    }),
    indexAt(offset: number): number {
      let [low, high] = [0, count];
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (ends[middle]! <= offset) low = middle + 1;
        else high = middle;
      }
      return low;
    },
  };
}
