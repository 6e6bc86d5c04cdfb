import assert from "node:assert/strict";
import { findLibc } from "./libc_path.ts";

Deno.test("findLibc() finds the C library of a Linux machine, and none elsewhere", () => {
  const path = findLibc();
  if (Deno.build.os !== "linux") return assert.equal(path, undefined);
  const library = Deno.dlopen(path!, { getpid: { parameters: [], result: "i32" } });
  assert.equal(library.symbols.getpid(), Deno.pid);
  library.close();
});
