import assert from "node:assert/strict";
import loadWabt from "wabt";
import { Bench, type Run } from "../bench_wasi/provider_bench.ts";
import { compileArguments, type TargetName } from "./settings.ts";
import { makeStandIn, runArguments } from "./stand_in.ts";

/** One for all tests. */
let made: Promise<{ folder: string; command: string }> | undefined;
Deno.test.afterAll(async () => {
  if (made !== undefined) await Deno.remove((await made).folder, { recursive: true });
});

function standIn(): Promise<{ folder: string; command: string }> {
  return made ??= (async () => {
    const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "krustlet-stand-in-" }));
    const os = Deno.build.os === "darwin" ? "darwin" : "linux";
    return { folder, command: await makeStandIn(folder, `${os}-amd64` satisfies TargetName) };
  })();
}

/** Runs a guest in processes of the stand-in, and answers how it ended. */
async function run(
  wat: string,
  { host, ...changes }: Partial<Run> & { readonly host?: "portable" } = {},
): Promise<unknown> {
  const { folder, command } = await standIn();
  const wabt = await loadWabt();
  const module = wabt.parseWat("guest.wat", wat, { threads: true });
  const bytes = Uint8Array.from(module.toBinary({}).buffer);
  module.destroy();
  const binary = { path: command, codeDirs: [folder] };
  await using bench = await Bench.open(0, host === undefined ? { binary } : { binary, host });
  return await bench.start(await bench.runOf(bytes, changes)).ended;
}

const EXITS = `(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (call $exit (i32.const 42))))`;

/** Needs 1.6 MiB of stack or more, where V8 by itself has not one. */
const DEEP = `(module
  (memory (export "memory") 1)
  (func $down (param $left i64) (result i64)
    (if (result i64) (i64.eqz (local.get $left)) (then (i64.const 0))
      (else (i64.add (i64.const 1) (call $down (i64.sub (local.get $left) (i64.const 1)))))))
  (func (export "_start")
    (if (i64.ne (call $down (i64.const 34000)) (i64.const 34000)) (then (unreachable)))))`;

const THREAD = `(module
  (import "env" "memory" (memory 1 1 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (export "memory" (memory 0))
  (func (export "wasi_thread_start") (param i32 i32)
    (i32.atomic.store (i32.const 0) (i32.const 7))
    (drop (memory.atomic.notify (i32.const 0) (i32.const 1))))
  (func (export "_start")
    (if (i32.le_s (call $spawn (i32.const 0)) (i32.const 0)) (then (unreachable)))
    (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 20000000000)))
    (call $exit (i32.atomic.load (i32.const 0)))))`;

Deno.test("runArguments() keep what is fixed in a binary, and nothing of how it is made", () => {
  const args = runArguments(compileArguments("linux-amd64", "krustlet"));
  assert.equal(args[0], "run");
  for (const flag of ["--allow-ffi", "--no-prompt", "--unstable-worker-options"]) {
    assert.ok(args.includes(flag), flag);
  }
  assert.ok(args.every((arg) => arg.startsWith("--") || arg === "run"), args.join(" "));
});

if (Deno.build.os !== "windows") {
  Deno.test("a binary's guest process runs a guest and tells its exit code", async () => {
    assert.deepEqual(await run(EXITS), { kind: "exited", code: 42 });
  });

  Deno.test("a binary's guest has the stack that the binary's flags give", async () => {
    assert.deepEqual(await run(DEEP), { kind: "exited", code: 0 });
  });

  Deno.test("a binary's guest runs in a scoped Worker where the kernel contains nothing", async () => {
    assert.deepEqual(await run(DEEP, { host: "portable" }), { kind: "exited", code: 0 });
    assert.deepEqual(await run(EXITS, { host: "portable" }), { kind: "exited", code: 42 });
  });

  Deno.test("a binary's guest process loads the Workers of threads", async () => {
    assert.deepEqual(await run(THREAD), { kind: "exited", code: 7 });
  });
}

if (Deno.build.os === "linux") {
  Deno.test("a binary's shared process loads its Workers, which have as much stack", async () => {
    const runtimeHandler = "krustlet-worker";
    assert.deepEqual(await run(EXITS, { runtimeHandler }), { kind: "exited", code: 42 });
    assert.deepEqual(await run(DEEP, { runtimeHandler }), { kind: "exited", code: 0 });
  });
}
