import assert from "node:assert/strict";
import { OUTPUT_RING_BYTES } from "../limits.ts";
import { OutputRing } from "./output_ring.ts";

Deno.test("read() hands over what was written, stream by stream and in order", () => {
  const writer = new OutputRing();
  const reader = new OutputRing(writer.buffer);
  const expected: Record<number, number[]> = { 1: [], 2: [] };
  const found: Record<number, number[]> = { 1: [], 2: [] };
  let rings = 0;
  // Lengths that are coprime to the ring's, so that pieces are cut by its end everywhere.
  for (let round = 0; round < 400; round++) {
    const stream = 1 + round % 2;
    const parts = [round * 7 % 1_999, 0, round * 13 % 2_003].map((length) =>
      Uint8Array.from({ length }, (_, index) => index + round)
    );
    writer.write(stream, parts, () => rings++);
    for (const part of parts) expected[stream]!.push(...part);
    if (round % 50 === 49) reader.read((stream, bytes) => found[stream]!.push(...bytes));
  }
  assert.deepEqual(found, expected);
  assert.equal(rings, 8); // once for each time that the reader had looked
});

Deno.test("write() does not wait for a reader that has gone", () => {
  const ring = new OutputRing();
  ring.write(1, [new Uint8Array(100)], () => {});
  ring.close();
  ring.write(1, [new Uint8Array(10 * OUTPUT_RING_BYTES)], () => {});
  let bytes = 0;
  ring.read((_stream, part) => bytes += part.length);
  assert.equal(bytes, 100);
});
