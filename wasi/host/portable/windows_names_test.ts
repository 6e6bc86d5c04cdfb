import assert from "node:assert/strict";
import { isStrangeToWindows, linkTargetOfWindows } from "./windows_names.ts";

Deno.test("isStrangeToWindows() finds devices, whatever their ending and case", () => {
  const devices = ["CON", "con", "Prn.txt", "aux.tar.gz", "NUL", "nul .txt", "COM1", "com9.log"];
  for (const name of [...devices, "LPT²", "COM0", "CONIN$", "conout$.x"]) {
    assert.ok(isStrangeToWindows(name), name);
  }
  for (const name of ["console", "com", "com10", "COMA", "null", "xnul", "lpt", "auxiliary.txt"]) {
    assert.ok(!isStrangeToWindows(name), name);
  }
});

Deno.test("isStrangeToWindows() finds other streams, separators, wildcards and endings", () => {
  const names = ["a:b", "a::$DATA", "C:", "a\\b", "a/b", "a*", "a?", 'a"', "a<b", "a|b"];
  for (const name of [...names, "a.", "a ", "a. .", "...", "tab\t", "nul\0"]) {
    assert.ok(isStrangeToWindows(name), JSON.stringify(name));
  }
  for (const name of ["a", ".a", "a.b", " a", ".", "..", "..a", "žluť 🐎", "a'b", "PROGRA~1"]) {
    assert.ok(!isStrangeToWindows(name), name);
  }
});

Deno.test("linkTargetOfWindows() leaves no drive or share that looks like a name", () => {
  assert.equal(linkTargetOfWindows("..\\a\\b"), "../a/b");
  for (const target of ["C:\\x", "c:x", "\\\\server\\share", "\\\\?\\C:\\x", "\\x"]) {
    assert.ok(linkTargetOfWindows(target).startsWith("/"), target);
  }
});
