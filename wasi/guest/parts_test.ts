import assert from "node:assert/strict";
import wabt from "wabt";
import { compile, readModule } from "../compile.ts";
import { needsOf } from "./parts.ts";

const tools = await wabt();

function binary(text: string): Uint8Array {
  const module = tools.parseWat("test.wat", text, { threads: true });
  try {
    return Uint8Array.from(module.toBinary({}).buffer);
  } finally {
    module.destroy();
  }
}

const SENDS = `(import "wasi_snapshot_preview1" "sock_send"
  (func (param i32 i32 i32 i32 i32) (result i32)))`;
const ACCEPTS = `(import "wasi_snapshot_preview1" "sock_accept"
  (func (param i32 i32 i32) (result i32)))`;
const OPENS = `(import "wasi_snapshot_preview1" "sock_open"
  (func (param i32 i32 i32) (result i32)))`;
const SHARES = `(import "env" "memory" (memory 1 2 shared))`;
const SPEAKS = `(import "wasi_snapshot_preview1" "fd_write"
  (func (param i32 i32 i32 i32) (result i32)))`;

for (
  const [imports, needs] of [
    ["", { threads: false, sockets: false, awaitsListeners: false }],
    [SPEAKS, { threads: false, sockets: false, awaitsListeners: false }],
    [SENDS, { threads: false, sockets: true, awaitsListeners: false }],
    [`${SPEAKS} ${SENDS} ${SHARES}`, { threads: true, sockets: true, awaitsListeners: false }],
    [`${SENDS} ${ACCEPTS}`, { threads: false, sockets: true, awaitsListeners: true }],
    [`${ACCEPTS} ${OPENS}`, { threads: false, sockets: true, awaitsListeners: false }],
  ] as const
) {
  Deno.test(`needsOf() tells the same before and after compiling: ${JSON.stringify(needs)}`, () => {
    const bytes = binary(`(module ${imports})`);
    assert.deepEqual(needsOf(readModule(bytes)), needs);
    assert.deepEqual(needsOf(compile(bytes)), needs);
  });
}

/** Runs a module that needs nearly all of this library behind walls that let no file through. */
const PROGRAM = `
  import { compileRead, openSandbox, preload, prepare, readModule } from "${
  import.meta.resolve("../mod.ts")
}";
  const read = readModule(Uint8Array.fromBase64(Deno.args[0]));
  const options = { host: Deno.args[1], allowAddress: () => true, trace: () => {} };
  const sandbox = openSandbox();
  await preload(read, options);
  sandbox.enter({ readOnly: [], readWrite: [], files: [] });
  const guest = await prepare(compileRead(read).module, options);
  console.log((await guest.run()).kind);`;

for (const host of Deno.build.os === "linux" ? ["libc", "portable"] : ["portable"]) {
  Deno.test(`preload() imports what prepare() needs, so that walls may stand (${host})`, async () => {
    const module = binary(
      `(module ${SENDS} (memory (export "memory") 1) (func (export "_start")))`,
    );
    const program = await Deno.makeTempFile({ suffix: ".ts" });
    try {
      await Deno.writeTextFile(program, PROGRAM);
      const { stdout } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-lock", program, module.toBase64(), host],
        stderr: "inherit",
      }).output();
      assert.equal(new TextDecoder().decode(stdout), "exited\n");
    } finally {
      await Deno.remove(program);
    }
  });
}
