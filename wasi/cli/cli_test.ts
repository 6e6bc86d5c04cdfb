import assert from "node:assert/strict";
import wabt from "wabt";

const tools = await wabt();
const CLI = new URL("../cli.ts", import.meta.url).pathname;

/** Runs the command line with a guest written as text. */
async function cli(
  text: string,
  { flags = [], args = [], stdin = "", permissions = ["-A"] }: {
    flags?: readonly string[];
    args?: readonly string[];
    stdin?: string;
    permissions?: readonly string[];
  } = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const file = await Deno.makeTempFile({ suffix: ".wasm" });
  const module = tools.parseWat("test.wat", text);
  await Deno.writeFile(file, module.toBinary({ write_debug_names: true }).buffer);
  module.destroy();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--no-prompt", ...permissions, CLI, ...flags, file, ...args],
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
  const run = await cli("(module)", { flags: ["--strange"] });
  assert.deepEqual([run.code, run.stdout], [125, ""]);
  assert.equal(run.stderr, 'Cannot use option "--strange": it is unknown. See --help\n');
  const library = await cli("(module)");
  assert.equal(library.code, 125);
  assert.match(library.stderr, /^Cannot link module: [^\n]*\n$/);
});

/** Exits with the file type of standard input. */
const TYPE = `(module
  (import "wasi_snapshot_preview1" "fd_fdstat_get" (func $stat (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (drop (call $stat (i32.const 0) (i32.const 0)))
    (call $exit (i32.load8_u (i32.const 0)))))`;

for (const host of Deno.build.os === "linux" ? ["libc", "portable"] : ["portable"]) {
  Deno.test(`cli tells a program what its input is: a terminal only if it is one (${host})`, async () => {
    const file = await Deno.makeTempFile({ suffix: ".wasm" });
    const module = tools.parseWat("type.wat", TYPE);
    await Deno.writeFile(file, module.toBinary({}).buffer);
    module.destroy();
    const command = [Deno.execPath(), "run", "--no-check", "-A", CLI, "--host", host, file];
    const [program, ...args] = command as [string, ...string[]];
    const run = await new Deno.Command(program, { args, stdin: "null" }).output();
    assert.equal(run.code, 0, "unknown");
    // Of script(1) of Linux: it gives its command a terminal, and hands its exit code on.
    if (Deno.build.os === "linux") {
      const line = command.map((word) => `'${word}'`).join(" ");
      const script = new Deno.Command("script", {
        args: ["-qec", line, "/dev/null"],
        stdin: "null",
        stdout: "null",
      });
      assert.equal((await script.output()).code, 2, "a character device");
    }
    await Deno.remove(file);
  });
}

Deno.test("cli passes exit codes through, and none that is a failure as 0", async () => {
  const exit = async (code: number): Promise<number> => {
    const run = await cli(`(module
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (memory (export "memory") 1)
      (func (export "_start") (call $exit (i32.const ${code}))))`);
    return run.code;
  };
  const codes = [0, 1, 125, 126, 200, 255, 256, 300, -1];
  assert.deepEqual(await Promise.all(codes.map(exit)), [0, 1, 125, 126, 200, 255, 1, 44, 255]);
});

for (const host of Deno.build.os === "linux" ? ["libc", "portable"] : ["portable"]) {
  Deno.test(`cli --stdin takes a file instead of its own input (${host})`, async () => {
    const file = await Deno.makeTempFile();
    await Deno.writeTextFile(file, "from the file");
    const run = await cli(CAT, { flags: ["--host", host, "--stdin", file], stdin: "own" });
    assert.deepEqual(run, { code: 1, stdout: "from the file", stderr: "" });
    await Deno.remove(file);
    const missing = await cli(CAT, { flags: ["--host", host, "--stdin", file] });
    assert.deepEqual([missing.code, missing.stdout], [125, ""]);
    assert.match(missing.stderr, /^Cannot open "[^"]+" as standard input: noent\n$/);
  });
}

Deno.test("cli --trace=wasi tells each call on stderr, proc_exit too", async () => {
  const run = await cli(CAT, { flags: ["--trace=wasi"], stdin: "hello\n" });
  assert.deepEqual([run.code, run.stdout], [1, "hello\n"]);
  // The one number is the length of the name of the module's file.
  assert.deepEqual(run.stderr.replace(/1 \d+$/m, "1 N").trimEnd().split("\n"), [
    'fd_read(0, [4096]) = 6 "hello\\n"',
    'fd_write(1, "hello\\n") = 6',
    'fd_read(0, [4096]) = 0 ""',
    "args_sizes_get() = 1 N",
    "proc_exit(1) = ?",
  ]);
});

/** A library: initialised first, and then asked. */
const LIBRARY = `(module
  (memory (export "memory") 1)
  (global $ready (mut i32) (i32.const 0))
  (func (export "_initialize") (global.set $ready (i32.const 1)))
  (func (export "ready") (result i32) (global.get $ready))
  (func (export "sum") (param i32 i64 f64) (result i64 f64)
    (i64.add (i64.extend_i32_s (local.get 0)) (local.get 1)) (local.get 2))
  (func (export "nothing"))
  (func (export "trap") unreachable))`;

Deno.test("cli --invoke initialises a library, calls its function and prints results", async () => {
  const invoke = (name: string, ...args: string[]): ReturnType<typeof cli> =>
    cli(LIBRARY, { flags: ["--invoke", name], args });
  assert.deepEqual(await invoke("ready"), { code: 0, stdout: "1\n", stderr: "" });
  assert.equal(
    (await invoke("sum", "-2", "9007199254740993", "0.5")).stdout,
    "9007199254740991\n0.5\n",
  );
  assert.deepEqual(await invoke("nothing"), { code: 0, stdout: "", stderr: "" });
  assert.equal((await invoke("trap")).code, 134);
  for (
    const wrong of [["gone"], ["ready", "1"], ["sum", "1", "x", "3"], ["sum", "1", "1.5", "3"]]
  ) {
    const run = await invoke(wrong[0]!, ...wrong.slice(1));
    assert.deepEqual([run.code, run.stdout], [125, ""], wrong.join(" "));
    assert.match(run.stderr, /^Cannot (call|pass) [^\n]*\n$/);
  }
});

Deno.test("cli --invoke takes a module that is no program and has no memory", async () => {
  const run = await cli(`(module (func (export "answer") (result i32) (i32.const 42)))`, {
    flags: ["--invoke=answer"],
  });
  assert.deepEqual(run, { code: 0, stdout: "42\n", stderr: "" });
});

/** Calls itself 30,000 times, for which other runtimes have stack enough. */
const DEEP = `(module (memory (export "memory") 1)
  (func $deep (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.add (call $deep (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))
      (else (i32.const 0))))
  (func (export "_start") (drop (call $deep (i32.const 30000)))))`;

Deno.test({
  name: "cli gives a program the stack that other runtimes give",
  ignore: Deno.build.os !== "linux", // where it could not begin anew, with flags
  async fn(): Promise<void> {
    assert.equal((await cli(DEEP)).code, 0);
  },
});

Deno.test("cli runs without leave to begin anew: the portable way, with V8's own stack", async () => {
  const permissions = ["--allow-read"];
  const copied = await cli(CAT, { permissions, args: ["a", "b"], stdin: "through" });
  assert.deepEqual([copied.stdout, copied.code], ["through", 3]);
  const deep = await cli(DEEP, { permissions });
  assert.equal(deep.code, 134);
  assert.match(deep.stderr, /trapped: stack overflow/);
});

Deno.test("cli.ts refuses a module that starts over --max-memory, in words", async () => {
  const { code, stderr } = await cli(
    '(module (memory (export "memory") 2) (func (export "_start")))',
    {
      flags: ["--max-memory", "65536"],
    },
  );
  assert.equal(code, 125);
  assert.match(stderr, /131072 bytes of memory.*65536/);
});
