import assert from "node:assert/strict";
import fc from "fast-check";
import { leb128, MalformedError, Reader } from "./reader.ts";

const reader = (...bytes: number[]): Reader =>
  new Reader(Uint8Array.from(bytes), { at: 0, end: bytes.length });

Deno.test("Reader reads back what leb128() writes", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (value) => {
    const bytes = leb128(value);
    const it = reader(...bytes);
    assert.equal(it.u32(), value);
    assert.equal(it.at, bytes.length);
  }));
  fc.assert(fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
    assert.equal(reader(...leb128(value)).u64(), value);
  }));
});

Deno.test("Reader takes padded numbers, and none that are too long or too large", () => {
  assert.equal(reader(0x81, 0x80, 0x80, 0x80, 0x00).u32(), 1);
  assert.throws(() => reader(0x80, 0x80, 0x80, 0x80, 0x80, 0x00).u32(), MalformedError);
  assert.throws(() => reader(0xff, 0xff, 0xff, 0xff, 0x10).u32(), MalformedError);
  assert.throws(() => reader(...Array(9).fill(0xff), 0x02).u64(), MalformedError);
  assert.throws(() => reader(...Array(10).fill(0x80), 0x00).skipNumber(), MalformedError);
});

Deno.test("Reader never reads outside of its part, and names the offset", () => {
  const bytes = Uint8Array.from([9, 9, 0x05, 0x41, 9, 9, 9, 9, 9]);
  const part = (): Reader => new Reader(bytes, { at: 2, end: 4 });
  assert.throws(() => part().name(), { name: "MalformedError", message: /offset 3 needs 5 bytes/ });
  assert.throws(() => part().pass(3), /offset 2 needs/);
  const short = part();
  short.pass(2);
  assert.throws(() => short.byte(), /offset 4 needs a byte/);
  assert.throws(() => new Reader(bytes, { at: 2, end: 10 }), RangeError);
});
