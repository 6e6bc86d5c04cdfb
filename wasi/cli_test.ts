import assert from "node:assert/strict";
import wabt from "wabt";

const tools = await wabt();
const CLI = new URL("./cli.ts", import.meta.url).pathname;

/** Runs the command line with a guest written as text. */
async function cli(
  text: string,
  { flags = [], args = [], stdin = "" }: {
    flags?: readonly string[];
    args?: readonly string[];
    stdin?: string;
  } = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const file = await Deno.makeTempFile({ suffix: ".wasm" });
  const module = tools.parseWat("test.wat", text);
  await Deno.writeFile(file, module.toBinary({ write_debug_names: true }).buffer);
  module.destroy();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "-A", CLI, ...flags, file, ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(stdin));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  await Deno.remove(file);
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Copies stdin to stdout until the end, then exits with the number of arguments. */
const CAT = `(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 64))
    (block $end (loop $again
      (i32.store (i32.const 4) (i32.const 4096))
      (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
      (br_if $end (i32.eqz (i32.load (i32.const 8))))
      (i32.store (i32.const 4) (i32.load (i32.const 8)))
      (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
      (br $again)))
    (drop (call $args (i32.const 16) (i32.const 20)))
    (call $exit (i32.load (i32.const 16)))))`;

for (const host of Deno.build.os === "linux" ? ["libc", "portable"] : ["portable"]) {
  Deno.test(`cli passes stdio, arguments and the exit code through (${host})`, async () => {
    const stdin = "line\n".repeat(3_000);
    const run = await cli(CAT, { flags: ["--host", host], args: ["a", "--help"], stdin });
    assert.deepEqual(run, { code: 3, stdout: stdin, stderr: "" });
  });
}

Deno.test("cli answers 134 for a trap and tells it on stderr", async () => {
  const run = await cli(`(module (memory (export "memory") 1)
    (func $boom unreachable) (func (export "_start") call $boom))`);
  assert.equal(run.code, 134);
  assert.match(run.stderr, /trapped: unreachable\n {4}at boom \(function 0, 0x/);
});

Deno.test("cli answers 125 and one line for what it cannot start", async () => {
  const run = await cli("(module)", { flags: ["--trace"] });
  assert.deepEqual([run.code, run.stdout], [125, ""]);
  assert.equal(run.stderr, 'Cannot use option "--trace": it is unknown. See --help\n');
  const library = await cli("(module)");
  assert.equal(library.code, 125);
  assert.match(library.stderr, /^Cannot link module: [^\n]*\n$/);
});
