import type { Reader } from "./reader.ts";

/** What a function's code tells of how it will run. */
export interface BodyFacts {
  /** How deep its loops are nested; 0 without any. A single call of a function with loops may last. */
  readonly loopDepth: number;
  /** Indexes of the functions that it calls directly, in the order of the code. */
  readonly calls: readonly number[];
}

const OP = {
  loop: 0x03,
  end: 0x0b,
  delegate: 0x18,
  call: 0x10,
  returnCall: 0x12,
  brTable: 0x0e,
  selectTyped: 0x1c,
};
const PREFIX = { misc: 0xfc, simd: 0xfd, atomic: 0xfe };
/** Instructions that are followed by a block type, and closed by `end`. */
const BLOCKS = new Set([0x02, OP.loop, 0x04, 0x06]);
/** How many indexes follow: branches, calls, variables, exceptions, references. */
const INDEXES = new Map([
  ...[0x07, 0x08, 0x09, 0x0c, 0x0d, 0x10, 0x12, 0x14, 0x15, 0x18].map((op) => [op, 1] as const),
  ...[0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26].map((op) => [op, 1] as const),
  ...[0x3f, 0x40, 0xd2, 0xd5, 0xd6].map((op) => [op, 1] as const),
  ...[0x11, 0x13].map((op) => [op, 2] as const),
]);
/** Instructions that stand alone, beside the numeric ones from 0x45 to 0xc4. */
const ALONE = new Set([0x00, 0x01, 0x05, 0x0a, 0x0b, 0x0f, 0x19, 0x1a, 0x1b, 0xd1, 0xd3, 0xd4]);

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
  for (let groups = reader.u32(); groups > 0; groups--) {
    reader.u32();
    reader.skipValueType();
  }
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

/** Passes over what follows an instruction; `false` if it is not known. */
function skipImmediates(reader: Reader, op: number): boolean {
  if ((op >= 0x45 && op <= 0xc4) || ALONE.has(op)) return true;
  if (BLOCKS.has(op)) skipBlockType(reader);
  else if (op >= 0x28 && op <= 0x3e) skipAddress(reader);
  else if (op === 0x41 || op === 0x42) reader.skipSigned("s64");
  else if (op === 0x43) reader.pass(4);
  else if (op === 0x44) reader.pass(8);
  else if (op === 0xd0) reader.skipSigned("s33");
  else if (op === OP.brTable) skipIndexes(reader, reader.u32() + 1);
  else if (op === OP.selectTyped) skipValueTypes(reader);
  else if (op === PREFIX.misc) return skipMisc(reader);
  else if (op === PREFIX.simd) skipSimd(reader);
  else if (op === PREFIX.atomic) skipAtomic(reader);
  else {
    const indexes = INDEXES.get(op);
    if (indexes === undefined) return false;
    skipIndexes(reader, indexes);
  }
  return true;
}

function skipIndexes(reader: Reader, count: number): void {
  for (let left = count; left > 0; left--) reader.u32();
}

function skipValueTypes(reader: Reader): void {
  for (let left = reader.u32(); left > 0; left--) reader.skipValueType();
}

/** Nothing, a value type, or the index of a type: the first byte tells. */
function skipBlockType(reader: Reader): void {
  const start = reader.at;
  const first = reader.byte();
  if (first === 0x63 || first === 0x64) reader.skipSigned("s33");
  else {
    reader.at = start;
    reader.skipSigned("s33");
  }
}

/** Alignment, the memory's index if bit 6 says that there is one, and the offset. */
function skipAddress(reader: Reader): void {
  if ((reader.u32() & 0x40) !== 0) reader.u32();
  reader.u64();
}

function skipMisc(reader: Reader): boolean {
  const op = reader.u32();
  if (op > 17) return false;
  if (op >= 8) skipIndexes(reader, [8, 10, 12, 14].includes(op) ? 2 : 1);
  return true;
}

function skipSimd(reader: Reader): void {
  const op = reader.u32();
  if (op <= 11 || op === 92 || op === 93) skipAddress(reader);
  else if (op === 12 || op === 13) reader.pass(16);
  else if (op >= 21 && op <= 34) reader.pass(1);
  else if (op >= 84 && op <= 91) {
    skipAddress(reader);
    reader.pass(1);
  }
}

function skipAtomic(reader: Reader): void {
  if (reader.u32() === 3) reader.pass(1);
  else skipAddress(reader);
}
