import assert from "node:assert/strict";
import fc from "fast-check";
import { PairScanner } from "./pair_scanner.ts";

interface Pair {
  readonly first: number;
  readonly below: number;
}

/** All places in a part of a file, as the scanner finds them from one to the next. */
function all(bytes: Uint8Array, part: { at: number; end: number }, pair: Pair): number[] {
  const scanner = new PairScanner(bytes);
  const found: number[] = [];
  for (let at = part.at;; at = found.at(-1)! + 1) {
    const next = scanner.find({ at, end: part.end }, pair);
    if (next < 0) return found;
    found.push(next);
  }
}

function expected(bytes: Uint8Array, part: { at: number; end: number }, pair: Pair): number[] {
  const found: number[] = [];
  for (let at = part.at; at < part.end - 1; at++) {
    if (bytes[at] === pair.first && (bytes[at + 1]! & 0x7f) < pair.below) found.push(at);
  }
  return found;
}

Deno.test("PairScanner.find() finds every pair, and nothing else", () => {
  const bytes = fc.array(fc.constantFrom(0, 1, 0x3f, 0x40, 0x41, 0x80, 0x81, 0xff), {
    maxLength: 200,
  });
  fc.assert(fc.property(bytes, fc.nat(200), fc.nat(200), fc.nat(3), (list, one, other, below) => {
    const file = Uint8Array.from(list);
    const [at, end] = [one, other].map((place) => Math.min(place, file.length)).sort((a, b) =>
      a - b
    );
    const part = { at: at!, end: end! };
    const pair = { first: 0x40, below };
    assert.deepEqual(all(file, part, pair), expected(file, part, pair));
  }));
});

Deno.test("PairScanner.find() finds pairs across the borders of what it looks at", () => {
  const file = new Uint8Array(200_000).fill(0xff);
  const places = [0, 14, 16, 65_519, 65_535, 65_537, 131_069, 131_071, 199_998];
  for (const at of places) file.set([0x40, 0], at);
  const pair = { first: 0x40, below: 1 };
  assert.deepEqual(all(file, { at: 0, end: file.length }, pair), places);
  for (let shift = 0; shift < 40; shift++) {
    const part = { at: 65_500 + shift, end: 131_050 + shift };
    assert.deepEqual(all(file, part, pair), expected(file, part, pair));
  }
});
