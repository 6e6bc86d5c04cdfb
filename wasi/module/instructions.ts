import type { Reader } from "./reader.ts";

/** What a function's code tells of how it will run. */
export interface BodyFacts {
  /** How deep its loops are nested; 0 without any. A single call of a function with loops may last. */
  readonly loopDepth: number;
  /** Indexes of the functions that it calls directly, in the order of the code. */
  readonly calls: readonly number[];
}

/** The byte that begins a `memory.grow`. */
export const MEMORY_GROW = 0x40;

const OP = {
  loop: 0x03,
  end: 0x0b,
  delegate: 0x18,
  tryTable: 0x1f,
  call: 0x10,
  returnCall: 0x12,
  brTable: 0x0e,
  selectTyped: 0x1c,
};
const PREFIX = { misc: 0xfc, simd: 0xfd, atomic: 0xfe };
/** The last ones known here: `i32x4.relaxed_dot_i8x16_i7x16_add_s`, `i64.atomic.rmw32.cmpxchg_u`. */
const SIMD_LAST = 0x113;
const ATOMIC_LAST = 0x4e;
/** Instructions that are followed by a block type, and closed by `end`. */
const BLOCKS = new Set([0x02, OP.loop, 0x04, 0x06, OP.tryTable]);
/** What follows an instruction is no mere sequence of numbers, or not known. */
const OTHERWISE = 255;
/** How many numbers follow each instruction: indexes, labels, constants, or none. */
const NUMBERS = new Uint8Array(256).fill(OTHERWISE)
  .fill(0, 0x45, 0xc5);
for (const op of [0x00, 0x01, 0x05, 0x0a, 0x0b, 0x0f, 0x19, 0x1a, 0x1b, 0xd1, 0xd3, 0xd4]) {
  NUMBERS[op] = 0;
}
for (const op of [0x07, 0x08, 0x09, 0x0c, 0x0d, 0x10, 0x12, 0x14, 0x15, 0x18]) NUMBERS[op] = 1;
for (const op of [0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x3f, MEMORY_GROW]) NUMBERS[op] = 1;
for (const op of [0x41, 0x42, 0xd0, 0xd2, 0xd5, 0xd6]) NUMBERS[op] = 1;
for (const op of [0x11, 0x13]) NUMBERS[op] = 2;

/**
 * Reads the code of one function, as far as the instructions are known here: the rest of a function
 * that uses others (garbage collection, say) is not looked at. Good enough for advice.
 *
 * @throws {MalformedError} For code that reaches past its end.
 */
export function readBody(reader: Reader): BodyFacts {
  const calls: number[] = [];
  /** For each open block whether it is a loop. */
  const open: boolean[] = [];
  let [depth, loopDepth] = [0, 0];
  skipLocals(reader);
  while (reader.at < reader.end) {
    const op = reader.byte();
    if (BLOCKS.has(op)) {
      open.push(op === OP.loop);
      if (op === OP.loop) loopDepth = Math.max(loopDepth, ++depth);
    } else if ((op === OP.end || op === OP.delegate) && open.pop() === true) depth--;
    if (op === OP.call || op === OP.returnCall) calls.push(reader.u32());
    else if (!skipImmediates(reader, op)) break;
  }
  return { loopDepth, calls };
}

/** Where code has a `memory.grow`: offsets in the file, and the index of the memory. */
export interface Growth {
  readonly start: number;
  readonly end: number;
  readonly memory: number;
}

/**
 * Finds where the code of one function grows a memory, up to the offset `last`; `undefined` if an
 * instruction before is not known here, and so how long it is.
 *
 * @throws {MalformedError} For code that reaches past its end.
 */
export function findGrowths(reader: Reader, last: number): Growth[] | undefined {
  const found: Growth[] = [];
  skipLocals(reader);
  while (reader.at <= last) {
    const start = reader.at;
    const op = reader.byte();
    if (op === MEMORY_GROW) found.push({ start, memory: reader.u32(), end: reader.at });
    else if (!skipImmediates(reader, op)) return undefined;
  }
  return found;
}

function skipLocals(reader: Reader): void {
  for (let groups = reader.u32(); groups > 0; groups--) {
    reader.u32();
    reader.skipValueType();
  }
}

/** Passes over what follows an instruction; `false` if it is not known. */
function skipImmediates(reader: Reader, op: number): boolean {
  const numbers = NUMBERS[op]!;
  if (numbers !== OTHERWISE) skipNumbers(reader, numbers);
  else if (op >= 0x28 && op <= 0x3e) skipAddress(reader);
  else if (op === OP.tryTable) return skipTryTable(reader);
  else if (BLOCKS.has(op)) skipBlockType(reader);
  else if (op === 0x43) reader.pass(4);
  else if (op === 0x44) reader.pass(8);
  else if (op === OP.brTable) skipNumbers(reader, reader.u32() + 1);
  else if (op === OP.selectTyped) skipValueTypes(reader);
  else if (op === PREFIX.misc) return skipMisc(reader);
  else if (op === PREFIX.simd) return skipSimd(reader);
  else if (op === PREFIX.atomic) return skipAtomic(reader);
  else return false;
  return true;
}

function skipNumbers(reader: Reader, count: number): void {
  for (let left = count; left > 0; left--) reader.skipNumber();
}

function skipValueTypes(reader: Reader): void {
  for (let left = reader.u32(); left > 0; left--) reader.skipValueType();
}

/** Nothing, a value type, or the index of a type: the first byte tells. */
function skipBlockType(reader: Reader): void {
  const start = reader.at;
  const first = reader.byte();
  if (first !== 0x63 && first !== 0x64) reader.at = start;
  reader.skipNumber();
}

/** Alignment, the memory's index if bit 6 says that there is one, and the offset. */
function skipAddress(reader: Reader): void {
  if ((reader.u32() & 0x40) !== 0) reader.skipNumber();
  reader.skipNumber();
}

function skipMisc(reader: Reader): boolean {
  const op = reader.u32();
  if (op > 17) return false;
  if (op >= 8) skipNumbers(reader, [8, 10, 12, 14].includes(op) ? 2 : 1);
  return true;
}

function skipSimd(reader: Reader): boolean {
  const op = reader.u32();
  if (op > SIMD_LAST) return false;
  if (op <= 11 || op === 92 || op === 93) skipAddress(reader);
  else if (op === 12 || op === 13) reader.pass(16);
  else if (op >= 21 && op <= 34) reader.pass(1);
  else if (op >= 84 && op <= 91) {
    skipAddress(reader);
    reader.pass(1);
  }
  return true;
}

function skipAtomic(reader: Reader): boolean {
  const op = reader.u32();
  if (op === 3) reader.pass(1);
  else if (op <= 2 || (op >= 0x10 && op <= ATOMIC_LAST)) skipAddress(reader);
  else return false;
  return true;
}

/** A block type, and where each kind of exception goes: with a tag or for all of them, to a label. */
function skipTryTable(reader: Reader): boolean {
  skipBlockType(reader);
  for (let left = reader.u32(); left > 0; left--) {
    const kind = reader.byte();
    if (kind > 3) return false;
    skipNumbers(reader, kind <= 1 ? 2 : 1);
  }
  return true;
}
