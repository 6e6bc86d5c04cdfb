import assert from "node:assert/strict";
import fc from "fast-check";
import wabt from "wabt";
import { compile, CompileError, compileGuest, compileRead, readModule } from "./compile.ts";
import { MemoryLimitError } from "./module/errors.ts";

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

function refusal(bytes: Uint8Array | string | number[]): string {
  const data = typeof bytes === "string" ? new TextEncoder().encode(bytes) : new Uint8Array(bytes);
  let message = "";
  assert.throws(() => compile(data), (error) => {
    assert.ok(error instanceof CompileError);
    message = error.message;
    return error.name === "CompileError";
  });
  return message;
}

Deno.test("compile() compiles a module", () => {
  assert.ok(compile(new Uint8Array(HEADER)) instanceof WebAssembly.Module);
});

Deno.test("compile() says what it found instead", () => {
  assert.match(refusal(""), /the file is empty/);
  assert.match(refusal("(module)"), /offset 0 .* text format/);
  assert.match(refusal(";; a comment\n (; another ;) (module"), /text format/);
  assert.match(refusal(`${"(; a (; b ;) ".repeat(10)}\n(module`), /text format/);
  assert.match(refusal(";;;; (module"), /something unknown/);
  assert.match(refusal([0x7f, 0x45, 0x4c, 0x46, 2, 1]), /native ELF/);
  assert.match(refusal([0x1f, 0x8b, 8, 0]), /gzip/);
  assert.match(refusal("<!DOCTYPE html>"), /web page/);
  assert.match(refusal('{"schemaVersion": 2}'), /JSON/);
  assert.match(refusal("hello"), /begins with 68 65 6c 6c/);
  assert.match(
    refusal([0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00]),
    /component \(WASI 0\.2\)/,
  );
  assert.match(refusal([0x00, 0x61, 0x73, 0x6d, 2, 0, 0, 0]), /version 2/);
  assert.match(refusal(HEADER.slice(0, 3)), /ends at offset 3/);
  assert.match(refusal(HEADER.slice(0, 6)), /ends at offset 6/);
});

Deno.test("compile() knows at once what comments without a module are", () => {
  // One that tries each way to divide them into comments takes 2^100 steps.
  for (const comment of [";; ", "(; ;)", "(;;", " \n", ";;\n"]) {
    assert.match(refusal(`${comment.repeat(100)}x`), /something unknown/);
  }
});

Deno.test("compile() lets no module in that only the compiler can read", () => {
  // A table of i31ref that is filled with the value of `(ref.i31 (i32.const 0))`.
  const table = [1, 0x40, 0, 0x6c, 0, 1, 0x41, 0, 0xfb, 0x1c, 0x0b];
  const module = [...HEADER, 4, table.length, ...table];
  assert.ok(WebAssembly.validate(new Uint8Array(module)));
  assert.match(refusal(module), /instruction 251, not known .*; it cannot be limited/);
});

Deno.test("compile() names the offset of what is wrong, and hints at a truncated file", () => {
  const cut = refusal([...HEADER, 1, 4, 1, 0x60]);
  assert.match(cut, /offset \d+/);
  assert.match(cut, /seems truncated: it has 12 bytes/);
  const wrong = refusal([...HEADER, 1, 4, 1, 0x10, 0, 0]);
  assert.match(wrong, /offset 11/);
  assert.doesNotMatch(wrong, /truncated|WebAssembly\.Module\(\)/);
});

const tools = await wabt();

/** A module with every section that is rewritten, and some that are not. */
function sample(): Uint8Array {
  const module = tools.parseWat(
    "test.wat",
    `(module
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (import "env" "shared" (memory 1 20 shared))
      (table $t 1 20000000 funcref) (table 2 externref)
      (global $g (mut i32) (i32.const 0))
      (func $main (local i32) (loop (loop (br_if 1 (local.get 0)))))
      (func (export "_start") (call $main) (call $exit (i32.const 0)))
      (elem (table $t) (i32.const 0) func $main)
      (data (i32.const 0) "some text"))`,
    { threads: true },
  );
  try {
    return module.toBinary({ write_debug_names: true }).buffer;
  } finally {
    module.destroy();
  }
}

Deno.test("compileGuest() limits memories and says which ones it imports", () => {
  const { module, importedMemories } = compileGuest(sample(), { memoryBytesMax: 10 * 65_536 });
  assert.deepEqual(importedMemories.map(({ maximumPages }) => maximumPages), [10]);
  const names = WebAssembly.Module.customSections(module, "metadata.code.compilation_priority");
  assert.equal(names.length, 1);
  assert.throws(() => compile(sample(), { memoryBytesMax: 1 }), MemoryLimitError);
});

Deno.test("compile() refuses a module over a limit, and says which", () => {
  const tables = [2, 0x70, 0, 0xc0, 0x84, 0x3d, 0x70, 0, 1];
  assert.match(
    refusal([...HEADER, 4, tables.length, ...tables]),
    /1000001 elements; the limit is 1000000/,
  );
});

Deno.test("compile() of a changed module ends well, or as one of two errors", () => {
  const original = sample();
  const change = fc.record({ at: fc.nat(original.length - 1), byte: fc.nat(255) });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), fc.nat(40), (changes, cut) => {
      const bytes = original.slice(0, original.length - Math.max(0, cut - 30));
      for (const { at, byte } of changes) if (at < bytes.length) bytes[at] = byte;
      const valid = WebAssembly.validate(bytes as Uint8Array<ArrayBuffer>);
      try {
        compile(bytes, { memoryBytesMax: 10 * 65_536 });
        assert.ok(valid, "an invalid module was made a valid one");
      } catch (error) {
        if (error instanceof MemoryLimitError) return;
        assert.ok(error instanceof CompileError, String(error));
        if (valid) assert.match(error.message, /the limit|cannot be limited|component|version/);
      }
    }),
    { numRuns: 3_000 },
  );
});

Deno.test("readModule() leaves to compileRead() whatever asks the compiler", () => {
  const given: number[] = [];
  const { Module } = WebAssembly;
  WebAssembly.Module = class extends Module {
    constructor(bytes: BufferSource) {
      given.push(bytes.byteLength);
      super(bytes);
    }
  };
  try {
    // A type section that ends inside of itself.
    const torn = Uint8Array.of(...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0], ...[1, 9, 1, 0x60]);
    const read = readModule(torn);
    assert.deepEqual(given, []);
    assert.throws(() => compileRead(read), CompileError);
    assert.deepEqual(given, [torn.length]);
  } finally {
    WebAssembly.Module = Module;
  }
});
