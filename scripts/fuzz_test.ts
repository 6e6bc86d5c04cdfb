import assert from "node:assert/strict";
import { casesOf, chosen } from "./fuzz.ts";

Deno.test("casesOf() takes whole numbers alone", () => {
  assert.equal(casesOf("1000000"), 1_000_000);
  for (const text of ["", "0", "-1", "1e6", "x", "9999999999"]) {
    assert.throws(() => casesOf(text), /Cannot use --cases/, text);
  }
});

Deno.test("chosen() finds fuzzers, all of them or some", () => {
  const paths = [
    "lib/a/fuzz/a_test.ts",
    "lib/a/a_test.ts",
    "lib/a/fuzz/a.ts",
    "wasi/fuzz/b_test.ts",
  ];
  assert.deepEqual(chosen(paths, []), ["lib/a/fuzz/a_test.ts", "wasi/fuzz/b_test.ts"]);
  assert.deepEqual(chosen(paths, ["lib/a"]), ["lib/a/fuzz/a_test.ts"]);
  assert.deepEqual(chosen(paths, ["lib/c"]), []);
});
