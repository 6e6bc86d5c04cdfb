import assert from "node:assert/strict";
import { prepare } from "./guest.ts";
import type { Guest } from "./run.ts";
import { LinkError } from "./link.ts";
import { OptionsError, type WasiOptions } from "../options.ts";
import type { Outcome } from "./outcome.ts";
import { HOSTS } from "../testing/probe.ts";
import { wat } from "../testing/wat.ts";

assert.ok(HOSTS.length > 0); // they are open before the first test

const MEMORY = `(memory (export "memory") 1)`;
const EXIT = `(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32))) ${MEMORY}`;

async function run(text: string, options: WasiOptions = {}): Promise<Outcome> {
  const guest = await prepare(wat(text), options);
  try {
    return await guest.run();
  } finally {
    guest.dispose();
  }
}

Deno.test("run() answers 0 when _start returns", async () => {
  assert.deepEqual(await run(`(module ${MEMORY} (func (export "_start")))`), {
    kind: "exited",
    code: 0,
  });
});

Deno.test("run() answers the code of proc_exit, all 32 bits of it", async () => {
  for (const [argument, code] of [[42, 42], [0, 0], [-1, 4294967295]]) {
    const text = `(module ${EXIT} (func (export "_start") i32.const ${argument} call $exit))`;
    assert.deepEqual(await run(text), { kind: "exited", code });
  }
});

Deno.test("run() ends at proc_exit even in a guest that catches everything", async () => {
  const outcome = await run(`(module ${EXIT}
    (func (export "_start")
      (try (do i32.const 3 call $exit) (catch_all i32.const 99 call $exit))))`);
  assert.deepEqual(outcome, { kind: "exited", code: 3 });
});

Deno.test("run() tells a trap with its Wasm stack", async () => {
  const outcome = await run(`(module ${MEMORY}
    (func $inner unreachable)
    (func nop call $inner)
    (func $outer call 1)
    (func (export "_start") call $outer))`);
  assert.equal(outcome.kind, "trapped");
  assert.ok(outcome.kind === "trapped");
  const lines = outcome.message.split("\n");
  assert.equal(lines[0], "unreachable");
  assert.match(lines[1]!, /^ {4}at inner \(function 0, 0x[0-9a-f]+\)$/);
  assert.match(lines[2]!, /^ {4}at <unnamed> \(function 1, 0x[0-9a-f]+\)$/);
  assert.match(lines[3]!, /^ {4}at outer \(function 2, /);
  assert.equal(lines.length, 5);
});

Deno.test("run() tells other traps, a stack overflow and an uncaught exception", async () => {
  const trap = async (body: string, more = ""): Promise<string> => {
    const outcome = await run(`(module ${MEMORY} ${more} (func $f (export "_start") ${body}))`);
    assert.ok(outcome.kind === "trapped");
    return outcome.message;
  };
  assert.match(await trap("i32.const 1 i32.const 0 i32.div_s drop"), /^divide by zero\n {4}at f /);
  assert.match(await trap("i32.const -1 i32.load drop"), /^memory access out of bounds\n/);
  assert.match(await trap("call $f"), /^stack overflow\n {4}at f /);
  assert.match(await trap("throw $e", "(tag $e)"), /uncaught exception/);
});

Deno.test("run() throws what is no doing of the guest", async () => {
  const text = `(module
    (import "wasi_snapshot_preview1" "fd_write" (func $w (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1) (data (i32.const 4) "\\01")
    (func (export "_start") (drop (call $w (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))`;
  const stdout = (): void => {
    throw new RangeError("our own defect");
  };
  await assert.rejects(() => run(text, { stdout }), /our own defect/);
});

Deno.test("run() initialises a reactor, and runs once", async () => {
  const guest: Guest = await prepare(wat(`(module ${MEMORY} (func (export "_initialize")))`));
  assert.deepEqual(await guest.run(), { kind: "exited", code: 0 });
  await assert.rejects(() => guest.run(), /Cannot run guest/);
  guest.dispose();
  guest.dispose();
});

Deno.test("a start section that traps or leaves is the outcome of run()", async () => {
  const start = (body: string): Promise<Outcome> =>
    run(`(module ${EXIT} (func $s ${body}) (start $s) (func (export "_start")))`);
  assert.deepEqual(await start("i32.const 5 call $exit"), { kind: "exited", code: 5 });
  assert.match(
    (await start("unreachable") as { message: string }).message,
    /^unreachable\n {4}at s/,
  );
});

Deno.test("prepare() lists everything that is missing at once", async () => {
  const refusal = async (text: string): Promise<string> => {
    try {
      await prepare(wat(text));
    } catch (error) {
      assert.ok(error instanceof LinkError);
      return error.message;
    }
    throw new Error("it was linked");
  };
  const message = await refusal(`(module
    (import "wasi_snapshot_preview1" "sock_teleport" (func))
    (import "env" "thing" (global i32)))`);
  assert.match(message, /"wasi_snapshot_preview1\.sock_teleport", "env\.thing" \(a global\)/);
  assert.match(message, /does not export its memory/);
  assert.match(message, /does not export _start/);
  assert.match(message, /sockets of another extension/);
  assert.match(await refusal(`(module ${MEMORY})`), /looks like a library/);
  assert.match(await refusal(`(module (func (export "_start")))`), /memory as "memory"$/);
  assert.match(await refusal(`(module (import "wasi:cli/exit@0.2.0" "exit" (func)))`), /component/);
  assert.match(await refusal(`(module (import "gojs" "x" (func)))`), /GOOS=wasip1/);
  assert.match(
    await refusal(`(module (import "wasi_unstable" "sock_accept" (func)))`),
    /sock_accept/,
  );
  assert.match(await refusal(`(module (import "wasi_unstable" "sock_open" (func)))`), /sock_open/);
});

Deno.test("prepare() refuses options that cannot be", async () => {
  const module = wat(`(module ${MEMORY} (func (export "_start")))`);
  await assert.rejects(() => prepare(module, { args: ["a\0b"] }), OptionsError);
  await assert.rejects(() => prepare(module, { env: { "A=": "" } }), OptionsError);
  for (const [host] of [["libc"], ["portable"]] as const) {
    const preopens = [{ hostPath: "/nowhere/at/all", guestPath: "/x" }];
    await assert.rejects(
      () => prepare(module, { preopens, host }),
      /Cannot preopen "\/nowhere\/at\/all" as "\/x": noent/,
    );
  }
});

Deno.test("a guest of wasi_unstable is linked to the older layouts", async () => {
  // Seeks nothing: whence 3 is invalid in both, and stdout cannot be sought; exits with the errno.
  const outcome = await run(`(module
    (import "wasi_unstable" "proc_exit" (func $exit (param i32)))
    (import "wasi_unstable" "fd_tell" (func $tell (param i32 i32) (result i32))) ${MEMORY}
    (func (export "_start") (call $exit (call $tell (i32.const 1) (i32.const 0)))))`);
  assert.deepEqual(outcome, { kind: "exited", code: 70 });
});

/** Grows to the most, asks for more, then does what the code says. */
const growsAnd = (code: string): string =>
  `(module ${EXIT} (func $break unreachable)
    (func (export "_start") (drop (memory.grow (i32.const 2))) (drop (memory.grow (i32.const 1)))
      ${code}))`;

Deno.test("growthRefused tells if the last growth was refused, however the guest ended", async () => {
  const told = async (code: string, pages: number): Promise<boolean> => {
    const guest = await prepare(wat(growsAnd(code), { memoryBytesMax: pages * 65_536 }));
    try {
      assert.equal(guest.growthRefused, false);
      await guest.run();
      return guest.growthRefused;
    } finally {
      guest.dispose();
    }
  };
  assert.equal(await told("", 3), true);
  assert.equal(await told("(call $break)", 3), true);
  assert.equal(await told("(call $exit (i32.const 2))", 3), true);
  assert.equal(await told("(call $break)", 4), false);
  // The first was refused, the second was not.
  assert.equal(await told("(call $break)", 2), false);
});

Deno.test("growthRefused is false for a module that was compiled without a limit", async () => {
  const guest = await prepare(wat(growsAnd("(drop (memory.grow (i32.const -1)))")));
  await guest.run();
  assert.equal(guest.growthRefused, false);
  guest.dispose();
});
