/** Whole programs through the public door: their input, their end, and how a library begins. */
import assert from "node:assert/strict";
import { type Input, openHost, prepare, type WasiOptions } from "../mod.ts";
import { Scratch } from "../testing/probe.ts";
import { wat } from "../testing/wat.ts";

const KINDS = Deno.build.os === "linux" ? ["libc", "portable"] as const : ["portable"] as const;
for (const kind of KINDS) await openHost(kind); // before any test: libraries stay open for good

const I = (count: number): string => "i32 ".repeat(count);
const P1 = `"wasi_snapshot_preview1"`;

/** Copies input to output, 8 bytes at a time, and exits with the errno of what stopped it. */
const COPY = wat(`(module
  (import ${P1} "fd_read" (func $read (param ${I(4)}) (result i32)))
  (import ${P1} "fd_write" (func $write (param ${I(4)}) (result i32)))
  (import ${P1} "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (local $errno i32)
    (i32.store (i32.const 0) (i32.const 64))
    (loop $again
      (i32.store (i32.const 4) (i32.const 8))
      (local.set $errno (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)))
      (if (i32.or (local.get $errno) (i32.eqz (i32.load (i32.const 16))))
        (then (call $exit (local.get $errno))))
      (i32.store (i32.const 4) (i32.load (i32.const 16)))
      (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))
      (br $again))))`);

/** What a program wrote, and how it ended. */
async function run(
  module: WebAssembly.Module,
  options: WasiOptions,
): Promise<{ text: string; code: number | string }> {
  const decoder = new TextDecoder();
  let text = "";
  const guest = await prepare(module, {
    stdout: (bytes) => {
      text += decoder.decode(bytes.slice());
    },
    ...options,
  });
  try {
    const outcome = await guest.run();
    return { text, code: outcome.kind === "exited" ? outcome.code : outcome.kind };
  } finally {
    guest.dispose();
  }
}

for (const host of KINDS) {
  Deno.test(`standard input: closed, a file, a function (${host})`, async () => {
    using scratch = new Scratch();
    const file = `${scratch.box}/input`;
    await Deno.writeTextFile(file, "from a file, read to its end");
    const words = ["one ", "two ", ""];
    const inputs: [Input, string][] = [
      ["closed", ""],
      [{ file }, "from a file, read to its end"],
      [(into) => new TextEncoder().encodeInto(words.shift() ?? "", into).written, "one two "],
    ];
    for (const [stdin, text] of inputs) {
      assert.deepEqual(await run(COPY, { host, stdin }), { text, code: 0 });
    }
    for (const wrong of [scratch.box, `${scratch.box}/nothing`, "a\0b"]) {
      await assert.rejects(
        () => prepare(COPY, { host, stdin: { file: wrong } }),
        /^OptionsError: Cannot/,
      );
    }
  });

  Deno.test(`standard input that is a file can be sought, one that is none cannot (${host})`, async () => {
    using scratch = new Scratch();
    const file = `${scratch.box}/input`;
    await Deno.writeTextFile(file, "0123456789");
    const seek = wat(`(module
      (import ${P1} "fd_seek" (func $seek (param i32 i64 i32 i32) (result i32)))
      (import ${P1} "proc_exit" (func $exit (param i32)))
      (memory (export "memory") 1)
      (func (export "_start")
        (call $exit (call $seek (i32.const 0) (i64.const 4) (i32.const 0) (i32.const 0)))))`);
    assert.equal((await run(seek, { host, stdin: { file } })).code, 0);
    assert.equal((await run(seek, { host, stdin: () => 0 })).code, 70); // spipe
    assert.equal((await run(seek, { host })).code, 70);
  });

  Deno.test(`a source that lies is the host's defect, not the guest's (${host})`, async () => {
    for (const count of [-1, 9, 0.5, NaN]) {
      await assert.rejects(run(COPY, { host, stdin: () => count }), RangeError);
    }
  });

  Deno.test(`a library is initialised once, and keeps what it has opened (${host})`, async () => {
    const library = wat(`(module
      (import ${P1} "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
      (memory (export "memory") 1)
      (global $count (mut i32) (i32.const 0))
      (func (export "_initialize")
        (global.set $count (i32.add (global.get $count) (i32.const 1))))
      (func (export "look") (param i32) (result i32 i32)
        (global.get $count) (call $prestat (local.get 0) (i32.const 0))))`);
    using scratch = new Scratch();
    const preopens = [{ hostPath: scratch.box, guestPath: "/" }];
    for (const [fd, errno] of [["3", 0], ["4", 8]] as const) {
      const guest = await prepare(library, { host, preopens });
      const { outcome, results } = await guest.call("look", [fd]);
      assert.deepEqual([outcome, results], [{ kind: "exited", code: 0 }, [1, errno]]);
      await assert.rejects(() => guest.call("look", [fd]), /has run before/);
      guest.dispose();
    }
    const initialised = await prepare(library, { host });
    assert.deepEqual(await initialised.run(), { kind: "exited", code: 0 });
    initialised.dispose();
  });

  Deno.test(`what a program is given comes in the order that it was given (${host})`, async () => {
    const print = (name: string): WebAssembly.Module =>
      wat(`(module
        (import ${P1} "${name}_sizes_get" (func $sizes (param i32 i32) (result i32)))
        (import ${P1} "${name}_get" (func $get (param i32 i32) (result i32)))
        (import ${P1} "fd_write" (func $write (param ${I(4)}) (result i32)))
        (memory (export "memory") 1)
        (func (export "_start")
          (drop (call $sizes (i32.const 0) (i32.const 12)))
          (drop (call $get (i32.const 64) (i32.const 1024)))
          (i32.store (i32.const 8) (i32.const 1024))
          (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 0)))))`);
    const args = ["prog", "--", "-x", "", "two words", "日本"];
    assert.equal((await run(print("args"), { host, args })).text, `${args.join("\0")}\0`);
    const env = { B: "1", A: "", "lower case": "x=y", Ž: "ž" };
    const text = (await run(print("environ"), { host, env })).text;
    assert.equal(text, "B=1\0A=\0lower case=x=y\0Ž=ž\0");
    assert.equal((await run(print("args"), { host })).text, "");
  });
}

Deno.test("tracing tells of both generations, and changes nothing", async () => {
  const lines: string[] = [];
  const trace = (line: string): void => void lines.push(line);
  const plain = await run(COPY, { stdin: () => 0 });
  assert.deepEqual(await run(COPY, { stdin: () => 0, trace }), plain);
  assert.deepEqual(lines, ['fd_read(0, [8]) = 0 ""', "proc_exit(0) = ?"]);
  lines.length = 0;
  const old = wat(`(module
    (import "wasi_unstable" "fd_seek" (func $seek (param i32 i64 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "_start")
      (drop (call $seek (i32.const 1) (i64.const 4) (i32.const 2) (i32.const 0)))))`);
  await run(old, { trace });
  assert.deepEqual(lines, ["fd_seek(1, 4, set) = spipe"]);
});
