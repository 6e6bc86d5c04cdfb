import assert from "node:assert/strict";
import { explainEnd } from "./ending.ts";

Deno.test("explainEnd() knows V8's last words when memory is exhausted", () => {
  const stderrTail = [
    "#",
    "# Fatal JavaScript out of memory: Reached heap limit",
    "#",
    "==== C stack trace ====",
  ].join("\n");
  const end = { code: 133, signal: "SIGTRAP", stderrTail };
  const message = "# Fatal JavaScript out of memory: Reached heap limit";
  assert.deepEqual(explainEnd(end, { limited: true }), { kind: "out_of_memory", message });
});

Deno.test("explainEnd() blames no limit where there was none", () => {
  const stderrTail = "memory allocation of 4294967296 bytes failed";
  assert.deepEqual(explainEnd({ code: 134, signal: "SIGABRT", stderrTail }), {
    kind: "crashed",
    message: stderrTail,
    signal: 6,
  });
});

Deno.test("explainEnd() takes a wordless abort under a limit for a refusal of memory", () => {
  const end = { code: 134, signal: "SIGABRT", stderrTail: "" };
  assert.equal(explainEnd(end, { limited: true }).kind, "out_of_memory");
  assert.equal(explainEnd({ ...end, stderrTail: "panic" }, { limited: true }).kind, "crashed");
  assert.equal(explainEnd(end).kind, "crashed");
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
