import assert from "node:assert/strict";
import fc from "fast-check";
import wabt from "wabt";
import { PullFailure } from "../oci/failure.ts";
import {
  surveyWasm,
  wasmBytes,
  type WasmFile,
  wasmOnDisk,
  type WasmSurvey,
} from "./wasm_survey.ts";

const tools = await wabt();

function wat(text: string): Uint8Array<ArrayBuffer> {
  const features = { threads: true, memory64: true, exceptions: true, reference_types: true };
  const module = tools.parseWat("test.wat", text, features);
  try {
    return Uint8Array.from(module.toBinary({}).buffer);
  } finally {
    module.destroy();
  }
}

/** Every kind of import and export, with all that may stand behind the names. */
const EVERYTHING = wat(`(module
  (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
  (import "env" "memory" (memory 1 2 shared))
  (import "env" "table" (table 1 funcref))
  (import "env" "base" (global i32))
  (import "env" "tag" (tag (param i32)))
  (func $start)
  (global $g i32 (i32.const 1))
  (export "_start" (func $start))
  (export "memory" (memory 0))
  (export "g" (global $g))
  (data (i32.const 0) "${"x".repeat(1000)}"))`);

/** A section of a component, whose lengths are below 128. */
function section(id: number, ...parts: (number | string)[]): number[] {
  const bytes = parts.flatMap((part) =>
    typeof part === "number" ? [part] : [part.length, ...new TextEncoder().encode(part)]
  );
  return [id, bytes.length, ...bytes];
}

const COMPONENT = Uint8Array.from([
  ...[0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0],
  ...section(0, "producers"),
  // An interface; a resource; a type that is another; a function; a core module; a value.
  ...section(10, 3, 0, "wasi:cli/environment@0.2.0", 5, 0, 1, "thing", 3, 1, 0, "alike", 3, 0, 7),
  ...section(10, 3, 0, "call", 1, 3, 0, "core", 0, 0x11, 2, 0, "value", 2, 1, 0x7f),
  // A component of its own, in which nothing is looked for.
  ...section(4, 0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0, 11, 1, 0),
  // An instance without a type; a core module; a function with a type.
  ...section(11, 2, 0, "wasi:cli/run@0.2.0", 5, 0, 0, 0, "m", 0, 0x11, 0, 0),
  ...section(11, 1, 0, "f", 1, 4, 1, 1, 6),
]);

async function refusal(bytes: Uint8Array): Promise<string> {
  try {
    await surveyWasm(wasmBytes(bytes));
  } catch (error) {
    assert.ok(error instanceof PullFailure, String(error));
    return error.message;
  }
  return assert.fail("it was taken");
}

Deno.test("surveyWasm() names every import and export of a module, as the engine does", async () => {
  const survey = await surveyWasm(wasmBytes(EVERYTHING));
  assert.deepEqual(
    survey,
    {
      kind: "module",
      imports: [
        "wasi_snapshot_preview1.fd_write",
        "wasi_snapshot_preview1.proc_exit",
        "env.memory",
        "env.table",
        "env.base",
        "env.tag",
      ],
      exports: ["_start", "memory", "g"],
    } satisfies WasmSurvey,
  );
  const module = new WebAssembly.Module(EVERYTHING);
  const imports = WebAssembly.Module.imports(module).map(({ module, name }) => `${module}.${name}`);
  assert.deepEqual(survey.imports, imports);
  assert.deepEqual(survey.exports, WebAssembly.Module.exports(module).map(({ name }) => name));
});

Deno.test("surveyWasm() names the interfaces of a component, and none of those inside it", async () => {
  assert.deepEqual(await surveyWasm(wasmBytes(COMPONENT)), {
    kind: "component",
    imports: ["wasi:cli/environment@0.2.0", "thing", "alike", "call", "core", "value"],
    exports: ["wasi:cli/run@0.2.0", "m", "f"],
  });
});

Deno.test("surveyWasm() reads no further than a module's exports", async () => {
  const file = wasmBytes(EVERYTHING);
  let last = 0;
  const watched: WasmFile = {
    size: file.size,
    read: (at, length) => {
      last = Math.max(last, at + length);
      return file.read(at, length);
    },
  };
  await surveyWasm(watched);
  assert.ok(last < EVERYTHING.length - 1000, `read up to ${last} of ${EVERYTHING.length}`);
});

Deno.test("surveyWasm() reads a file of this machine", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, EVERYTHING);
    using file = await Deno.open(path);
    const survey = await surveyWasm(wasmOnDisk(file, EVERYTHING.length));
    assert.deepEqual(survey, await surveyWasm(wasmBytes(EVERYTHING)));
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("surveyWasm() says what is there instead of a module, and where one is broken", async () => {
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);
  const head = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  const table: [Uint8Array, RegExp][] = [
    [text(""), /not a WebAssembly module: it is empty/],
    [text("(module (func))"), /WebAssembly text/],
    [Uint8Array.from([...head, 2, 5, 1]), /ends in the middle of a section/],
    [Uint8Array.from([...head, 2]), /ends in the middle of a part/],
    [Uint8Array.from([...head, ...section(2, 1, "m", "n", 9, 0)]), /unknown kind 9/],
    [Uint8Array.from([...head, ...section(2, 1, "m", 9)]), /middle of a name/],
    [Uint8Array.from([...head, ...section(2, 0, 0)]), /bytes behind its imports/],
    [
      Uint8Array.from([...head, 7, 5, 0xff, 0xff, 0xff, 0xff, 0x0f]),
      /4294967295 imports or exports/,
    ],
    [Uint8Array.from([...head, 7, 4, 1, 1, 0xff, 0]), /a name is not UTF-8/],
    [Uint8Array.from([...head, 0, 0xff, 0xff, 0xff, 0xff, 0x7f]), /more than 32 bits/],
  ];
  for (const [bytes, message] of table) assert.match(await refusal(bytes), message);
});

Deno.test("surveyWasm() takes or refuses any damage to a module or component, and nothing else", async () => {
  const damage = fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { minLength: 1, maxLength: 6 });
  const whole = fc.constantFrom(EVERYTHING.subarray(0, 400), COMPONENT);
  await fc.assert(
    fc.asyncProperty(whole, damage, async (bytes, changes) => {
      const copy = bytes.slice();
      for (const [at, value] of changes) if (at > 7) copy[at % copy.length] = value;
      try {
        await surveyWasm(wasmBytes(copy));
      } catch (error) {
        assert.ok(error instanceof PullFailure, String(error));
      }
    }),
    { numRuns: 2_000 },
  );
});
