/**
 * What happens to bytes on their way: nothing mostly, or a change or two, and cuts at any place. For
 * tests only.
 *
 * @module
 */
import type { Random } from "../../fuzz/random.ts";

/** Bytes that were right, after none to two changes. */
export interface Changed {
  readonly bytes: Uint8Array;
  /** How many changes. */
  readonly count: number;
}

/** Changes bytes, a third of the time not at all. */
export function change(random: Random, bytes: Uint8Array): Changed {
  const count = random.below(3);
  if (count === 0) return { bytes, count };
  let result = bytes;
  for (let left = count; left > 0; left--) result = changeOnce(random, result);
  return { bytes: result, count };
}

function changeOnce(random: Random, bytes: Uint8Array): Uint8Array {
  const at = random.below(bytes.length + 1);
  const byte = random.below(256);
  switch (random.below(4)) {
    case 0: {
      const flipped = bytes.slice();
      if (at < bytes.length) flipped[at] = byte;
      return flipped;
    }
    case 1:
      return joined(bytes.subarray(0, at), bytes.subarray(at + 1 + byte % 8));
    case 2:
      return joined(bytes.subarray(0, at), Uint8Array.of(byte), bytes.subarray(at));
    default:
      return bytes.slice(0, at);
  }
}

/** Pieces in one. */
export function joined(...pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** The bytes in up to five chunks. */
export function cut(random: Random, bytes: Uint8Array): Uint8Array[] {
  const ends = random.list(0, 4, () => random.below(bytes.length + 1)).sort((a, b) => a - b);
  return [...ends, bytes.length].map((end, index) => bytes.slice(ends[index - 1] ?? 0, end));
}

/** From none to `max` bytes. */
export function makeBytes(random: Random, max: number, min = 0): Uint8Array {
  return Uint8Array.from(random.list(min, max, () => random.below(256)));
}
