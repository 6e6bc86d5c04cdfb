import type { Bodies } from "./code.ts";
import type { GrowingBody } from "./growth_sites.ts";
import { MEMORY_GROW } from "./instructions.ts";
import { FUNCTION_BYTES_MAX } from "./limits.ts";
import { leb128, Reader } from "./reader.ts";
import type { Edit, Section } from "./sections.ts";

/** A function that grows a memory in the guest's place. */
export interface Grower {
  /** The index of the memory. */
  readonly memory: number;
  /** It is addressed by numbers of 64 bits. */
  readonly wide: boolean;
}

const I32 = 0x7f;
const I64 = 0x7e;
/** Begins the type of a function. */
const FUNCTION_TYPE = 0x60;
const CALL = 0x10;

/** The type of a grower as the type section has it: from pages to the pages before, or -1. */
function typeOf(wide: boolean): Uint8Array {
  const number = wide ? I64 : I32;
  return Uint8Array.of(FUNCTION_TYPE, 1, number, 1, number);
}

/** The code of a grower, which sets the global to 1 if it was refused, and to 0 if not. */
export function codeOf({ memory, wide }: Grower, global: number): Uint8Array {
  const [refused, equals] = wide ? [0x42, 0x51] : [0x41, 0x46];
  const code = [
    0, // no variables
    ...[0x20, 0], // local.get 0
    ...[MEMORY_GROW, ...leb128(memory)], // memory.grow
    ...[0x22, 0], // local.tee 0
    ...[refused, 0x7f, equals], // const -1, eq
    ...[0x24, ...leb128(global)], // global.set
    ...[0x20, 0, 0x0b], // local.get 0, end
  ];
  return Uint8Array.from([...leb128(code.length), ...code]);
}

/** The types of growers. */
export interface GrowerTypes {
  /** What must be appended to the module's types. */
  readonly added: readonly Uint8Array[];
  /** The index of a grower's type. */
  indexOf(grower: Grower): number;
}

/**
 * Finds the types of growers among those of a module; what is missing is to be appended. `undefined` if
 * other types than functions' come before, which are not read here.
 *
 * @throws {MalformedError} For types that cannot be read.
 */
export function chooseTypes(
  module: Uint8Array,
  section: Section | undefined,
  growers: readonly Grower[],
): GrowerTypes | undefined {
  if (section === undefined) return undefined;
  const reader = new Reader(module, section);
  const count = reader.u32();
  const missing = new Set(growers.map(({ wide }) => wide));
  const indexes = new Map<boolean, number>();
  for (let index = 0; index < count && missing.size > 0; index++) {
    const start = reader.at;
    if (reader.byte() !== FUNCTION_TYPE) return undefined;
    skipValueTypes(reader);
    skipValueTypes(reader);
    const type = module.subarray(start, reader.at);
    const wide = [...missing].find((wide) => equal(type, typeOf(wide)));
    if (wide === undefined) continue;
    indexes.set(wide, index);
    missing.delete(wide);
  }
  [...missing].forEach((wide, place) => indexes.set(wide, count + place));
  return { added: [...missing].map(typeOf), indexOf: ({ wide }) => indexes.get(wide)! };
}

function skipValueTypes(reader: Reader): void {
  for (let left = reader.u32(); left > 0; left--) reader.skipValueType();
}

function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

/**
 * The edits that make one function call the growers, by their indexes, instead of growing memory.
 * `undefined` if it would become longer than V8 takes.
 */
export function redirect(
  bodies: Bodies,
  { index, growths }: GrowingBody,
  indexes: ReadonlyMap<number, number>,
): Edit[] | undefined {
  const { start, at, end } = bodies.part(index);
  const calls = growths.map(({ start, end, memory }) => {
    return { start, end, bytes: Uint8Array.from([CALL, ...leb128(indexes.get(memory)!)]) };
  });
  const bytes = calls.reduce(
    (sum, call) => sum + call.bytes.length - (call.end - call.start),
    end - at,
  );
  if (bytes > FUNCTION_BYTES_MAX) return undefined;
  return [{ start, end: at, bytes: Uint8Array.from(leb128(bytes)) }, ...calls];
}
