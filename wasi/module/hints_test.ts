import assert from "node:assert/strict";
import wabt from "wabt";
import { findBodies } from "./code.ts";
import { readDeclarations } from "./declarations.ts";
import { chooseHints, type Hints, hintSection } from "./hints.ts";
import { HEADER, section } from "./testing.ts";
import { customName, readSections } from "./sections.ts";

const tools = await wabt();
const LOOP = "(loop (br_if 0 (i32.const 0)))";
const NESTED = "(loop (loop (br_if 0 (i32.const 0))))";
const IMPORTS = '(import "a" "f" (func)) (import "a" "g" (global i32)) (import "a" "h" (func))';

function hintsOf(text: string, before: readonly number[] = []): readonly number[] {
  return adviceFor(text, before).functions;
}

function adviceFor(text: string, before: readonly number[] = []): Hints {
  const parsed = tools.parseWat("test.wat", text);
  const binary = parsed.toBinary({}).buffer;
  parsed.destroy();
  const module = Uint8Array.from([...HEADER, ...before, ...binary.subarray(HEADER.length)]);
  const sections = readSections(module);
  const { importedFunctions } = readDeclarations(module, sections);
  return chooseHints(module, sections, {
    importedFunctions,
    bodies: findBodies(module, sections),
  });
}

/** `count` functions without a loop. */
function plain(count: number): string {
  return "(func)".repeat(count);
}

Deno.test("chooseHints() finds loops near the entry, wherever they are in the file", () => {
  const text = `(module ${IMPORTS} ${plain(20)}
    (func $deep ${LOOP}) (func $main ${LOOP} (call $work))
    (func $work (call $helper)) (func $helper ${LOOP} (call $deep))
    (func (export "_start") (call $main)))`;
  // $deep is four calls away, among the libraries for all that is known.
  assert.deepEqual(hintsOf(text), [23, 25]);
});

Deno.test("chooseHints() finds the first simple loops, and nested ones further on", () => {
  const text = `(module ${IMPORTS} (func ${LOOP}) ${plain(11)} (func ${LOOP}) (func ${NESTED}))`;
  assert.deepEqual(hintsOf(text), [2, 15]);
});

Deno.test("chooseHints() leaves functions without loops and recursive ones to V8", () => {
  const text = `(module (func $f ${LOOP} (call $f)) (func (export "_start") (call $f)))`;
  assert.deepEqual(hintsOf(text), []);
});

Deno.test("chooseHints() takes the last functions of a Go program", () => {
  const buildId = section(0, [10, ...new TextEncoder().encode("go:buildid")]);
  const loops = `(func ${LOOP})`.repeat(2_000);
  const hints = hintsOf(`(module ${loops})`, buildId);
  assert.equal(hints.at(-1), 1_999);
  assert.ok(hints.length < 1_000, `${hints.length} hints`);
  assert.equal(hints.at(-1)! - hints[0]!, hints.length - 1);
});

Deno.test("chooseHints() hints few bytes, and no function that alone is more", () => {
  const large = `(func ${LOOP} ${"nop ".repeat(9_000)})`;
  assert.deepEqual(hintsOf(`(module ${large} (func ${LOOP}))`), [1]);
});

Deno.test("chooseHints() asks for time where a nested loop is the program's own", () => {
  assert.equal(adviceFor(`(module (func ${NESTED}))`).settleMs, 9);
  const padded = `(module (func ${NESTED} ${"nop ".repeat(2_040)}))`;
  assert.equal(adviceFor(padded).settleMs, 13);
  const near = `(module ${plain(20)} (func $f ${NESTED}) (func (export "_start") (call $f)))`;
  assert.equal(adviceFor(near).settleMs, 9);
  assert.equal(adviceFor(`(module ${plain(20)} (func ${NESTED}))`).settleMs, 0);
  assert.equal(adviceFor(`(module (func ${LOOP}))`).settleMs, 0);
});

Deno.test("hintSection() is advice that does not hinder", () => {
  const bytes = Uint8Array.from([...HEADER, ...hintSection([0, 200])]);
  assert.ok(WebAssembly.validate(bytes));
  const [found] = readSections(bytes);
  assert.equal(customName(bytes, found!), "metadata.code.compilation_priority");
});
