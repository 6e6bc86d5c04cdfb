import assert from "node:assert/strict";
import { explainEnd } from "./ending.ts";

Deno.test("explainEnd() knows V8's last words when memory is exhausted", () => {
  const stderrTail = [
    "#",
    "# Fatal JavaScript out of memory: Reached heap limit",
    "#",
    "==== C stack trace ====",
  ].join("\n");
  assert.deepEqual(explainEnd({ code: 133, signal: "SIGTRAP", stderrTail }), {
    kind: "out_of_memory",
    message: "# Fatal JavaScript out of memory: Reached heap limit",
  });
});

Deno.test("explainEnd() tells the signal and the last words of a crash", () => {
  assert.deepEqual(explainEnd({ code: 139, signal: "SIGSEGV", stderrTail: "oh\n" }), {
    kind: "crashed",
    message: "The guest's process was ended by SIGSEGV: oh",
    signal: 11,
  });
});

Deno.test("explainEnd() suspects the system's out-of-memory killer of a foreign SIGKILL", () => {
  const exit = explainEnd({ code: 137, signal: "SIGKILL", stderrTail: "" });
  assert.equal(exit.kind, "crashed");
  assert.match("message" in exit ? exit.message : "", /out of memory$/);
});

Deno.test("explainEnd() tells the exit code of a process that left without a word", () => {
  assert.deepEqual(explainEnd({ code: 1, signal: null, stderrTail: "error: x" }), {
    kind: "crashed",
    message: "The guest's process was ended with code 1: error: x",
  });
});
