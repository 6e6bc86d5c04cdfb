import assert from "node:assert/strict";
import fc from "fast-check";
import { rotationDeadlineMs } from "./deadline.ts";

Deno.test("rotationDeadlineMs() lies between 70 % and 90 % of the life", () => {
  const life = { notBeforeMs: 1_000, notAfterMs: 2_000 };
  assert.equal(rotationDeadlineMs(life, 0), 1_700);
  assert.equal(rotationDeadlineMs(life, 0.5), 1_800);
  fc.assert(fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (chance) => {
    const deadlineMs = rotationDeadlineMs(life, chance);
    assert.ok(deadlineMs >= 1_700 && deadlineMs <= 1_900, String(deadlineMs));
  }));
});

Deno.test("rotationDeadlineMs() refuses a life that ends before it begins, and odd chances", () => {
  const life = { notBeforeMs: 1_000, notAfterMs: 2_000 };
  assert.throws(() => rotationDeadlineMs({ notBeforeMs: 2_000, notAfterMs: 2_000 }, 0), RangeError);
  assert.throws(
    () => rotationDeadlineMs({ notBeforeMs: Number.NaN, notAfterMs: 1 }, 0),
    RangeError,
  );
  for (const chance of [1, -0.1, Number.NaN]) {
    assert.throws(() => rotationDeadlineMs(life, chance), RangeError);
  }
});
