import assert from "node:assert/strict";
import { foldedName, isWindowsName } from "./windows_names.ts";

Deno.test("foldedName() is the same for names that some file systems take for one", () => {
  assert.equal(foldedName("README"), foldedName("readme"));
  assert.equal(foldedName("u\u0308"), foldedName("Ü"));
  assert.notEqual(foldedName("a"), foldedName("b"));
});

Deno.test("isWindowsName() is false for what Windows takes for something else", () => {
  for (const name of ["a\\b", "c:x", "con", "NUL.txt", "dot.", "blank ", "a\tb"]) {
    assert.equal(isWindowsName(name), false, name);
  }
  for (const name of ["console", "a.b", ".hidden", "ca.crt"]) {
    assert.equal(isWindowsName(name), true, name);
  }
});
