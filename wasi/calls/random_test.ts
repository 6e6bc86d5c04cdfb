import assert from "node:assert/strict";
import { Random } from "./random.ts";

/** How many of the values a byte can have were seen in so many draws. */
function valuesOf(draw: () => Uint8Array, times: number): number {
  const seen = new Set<number>();
  for (let time = 0; time < times; time++) for (const byte of draw()) seen.add(byte);
  return seen.size;
}

for (const kind of ["own", "shared"] as const) {
  const make = (length: number): Uint8Array =>
    new Uint8Array(kind === "own" ? new ArrayBuffer(length) : new SharedArrayBuffer(length));

  Deno.test(`Random.fill() fills all of a view of any length (${kind})`, () => {
    const random = new Random();
    for (const length of [0, 1, 16, 256, 257, 4_096, 10_000, 200_000]) {
      const bytes = make(length + 2);
      const drawn = (): Uint8Array => {
        random.fill(bytes.subarray(1, length + 1));
        return bytes;
      };
      // A byte that is never written stays 0; one that is written is 0 each time once in 2^64 tests.
      const union = new Uint8Array(length + 2);
      const times = length > 10_000 ? 8 : 64;
      for (let time = 0; time < times; time++) {
        for (const [index, byte] of drawn().entries()) union[index]! |= byte;
      }
      assert.deepEqual([union[0], union[length + 1]], [0, 0]);
      assert.equal(union.subarray(1, length + 1).includes(0), false);
    }
  });

  Deno.test(`Random.fill() never gives the same bytes twice (${kind})`, () => {
    const random = new Random();
    const seen = new Set<string>();
    for (let draw = 0; draw < 2_000; draw++) {
      const bytes = make(16);
      random.fill(bytes);
      seen.add(bytes.slice().toHex());
    }
    assert.equal(seen.size, 2_000);
    assert.equal(
      valuesOf(() => {
        const bytes = make(32);
        random.fill(bytes);
        return bytes;
      }, 1_000),
      256,
    );
  });
}
