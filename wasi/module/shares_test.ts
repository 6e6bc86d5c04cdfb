import assert from "node:assert/strict";
import fc from "fast-check";
import { divide } from "./shares.ts";

Deno.test("divide() gives each its minimum and an equal part of the rest, as far as it wants", () => {
  assert.deepEqual(divide([{ minimum: 1, maximum: 100 }], 10), [10]);
  assert.deepEqual(divide([{ minimum: 1, maximum: 5 }], 10), [5]);
  const claims = [{ minimum: 2, maximum: 100 }, { minimum: 1, maximum: 2 }, {
    minimum: 0,
    maximum: 9,
  }];
  assert.deepEqual(divide(claims, 12), [6, 2, 4]);
  assert.deepEqual(divide(claims, 3), [2, 1, 0]);
  assert.equal(divide(claims, 2), undefined);
  assert.deepEqual(divide([], 0), []);
  assert.deepEqual(divide([{ minimum: 1, maximum: 9 }], Infinity), [9]);
});

Deno.test("divide() never exceeds the total, and leaves nothing that somebody wants", () => {
  const claim = fc.tuple(fc.nat(1e6), fc.nat(1e6)).map(([minimum, more]) => ({
    minimum,
    maximum: minimum + more,
  }));
  fc.assert(fc.property(fc.array(claim, { maxLength: 50 }), fc.nat(1e8), (claims, total) => {
    const shares = divide(claims, total);
    const minimums = claims.reduce((sum, { minimum }) => sum + minimum, 0);
    if (shares === undefined) return assert.ok(minimums > total);
    const sum = shares.reduce((sum, share) => sum + share, 0);
    const wanted = claims.reduce((sum, { maximum }) => sum + maximum, 0);
    assert.equal(sum, Math.min(total, wanted));
    shares.forEach((share, i) => {
      assert.ok(share >= claims[i]!.minimum && share <= claims[i]!.maximum);
    });
  }));
});
