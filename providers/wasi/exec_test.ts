import assert from "node:assert/strict";
import type { ContainerRun, ExecControl } from "../../lib/mod.ts";
import { openFixture, type WasiFixture } from "./testing.ts";

const never = new AbortController().signal;
const IMPORTS = `
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "path_create_directory"
    (func $mkdir (param i32 i32 i32) (result i32)))
  (memory (export "memory") 4)`;

/** Writes "abc" to stdout, and "x" to stderr, makes the folder "made", and leaves with code 7. */
const TALKER = `(module ${IMPORTS}
  (data (i32.const 0) "\\10\\00\\00\\00\\03\\00\\00\\00\\13\\00\\00\\00\\01\\00\\00\\00abcxmade")
  (func (export "_start")
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 64)))
    (drop (call $write (i32.const 2) (i32.const 8) (i32.const 1) (i32.const 64)))
    (drop (call $mkdir (i32.const 3) (i32.const 20) (i32.const 4)))
    (call $exit (i32.const 7))))`;
/** Writes 128 KiB again and again, for ever. */
const FLOOD = `(module ${IMPORTS}
  (data (i32.const 0) "\\10\\00\\00\\00\\00\\00\\02\\00")
  (func (export "_start")
    (loop $more
      (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
      (br $more))))`;

/** The options of the ways in which a guest can reach the system. */
const HOSTS = Deno.build.os === "linux" ? [undefined, "portable"] as const : ["portable"] as const;

async function open(host: "portable" | undefined): Promise<WasiFixture> {
  return await openFixture(host === undefined ? {} : { host });
}

function collecting(): ExecControl & { text(stream: "stdout" | "stderr"): string } {
  const said = { stdout: "", stderr: "" };
  return {
    kill: never,
    onOutput: (stream, bytes): void => {
      said[stream] += new TextDecoder().decode(bytes);
    },
    text: (stream) => said[stream],
  };
}

for (const host of HOSTS) {
  const name = host ?? "libc";
  Deno.test(`WasiProvider.exec() (${name}) runs a program in a container's view, heard by its caller alone`, async () => {
    await using fixture = await open(host);
    const container = await fixture.guestOf(TALKER);
    const control = collecting();
    const { module } = container;
    const exit = await fixture.provider.exec({ container, module, argv: ["talk"] }, control);
    assert.deepEqual(exit, { kind: "exited", code: 7 });
    assert.equal(control.text("stdout"), "abc");
    assert.equal(control.text("stderr"), "x");
    assert.ok((await Deno.stat(`${container.rootPath}/made`)).isDirectory);
    await assert.rejects(Deno.stat(container.logPath), Deno.errors.NotFound);
  });

  Deno.test(`WasiProvider.exec() (${name}) waits for whoever listens, and ends when it is told to`, async () => {
    await using fixture = await open(host);
    const container = await fixture.guestOf(FLOOD);
    const kill = new AbortController();
    const [first, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let heard = 0;
    const exit = fixture.provider.exec(runOf(container), {
      kill: kill.signal,
      onOutput: async (_stream, bytes): Promise<void> => {
        heard += bytes.length;
        first.resolve();
        await held.promise;
      },
    });
    await first.promise;
    assert.ok(heard <= 64 * 1024, `${heard} bytes`);
    kill.abort();
    held.resolve();
    assert.deepEqual(await exit, { kind: "killed" });
  });
}

function runOf(
  container: ContainerRun,
): { container: ContainerRun; module: ContainerRun["module"]; argv: string[] } {
  return { container, module: container.module, argv: ["guest"] };
}
