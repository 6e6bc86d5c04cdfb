import assert from "node:assert/strict";
import { compile, CompileError } from "./compile.ts";

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

Deno.test("compile() names the offset of what is wrong, and hints at a truncated file", () => {
  const cut = refusal([...HEADER, 1, 4, 1, 0x60]);
  assert.match(cut, /offset \d+/);
  assert.match(cut, /seems truncated: it has 12 bytes/);
  const wrong = refusal([...HEADER, 1, 4, 1, 0x10, 0, 0]);
  assert.match(wrong, /offset 11/);
  assert.doesNotMatch(wrong, /truncated|WebAssembly\.Module\(\)/);
});
