import assert from "node:assert/strict";
import { prepare } from "./guest.ts";
import type { WasiOptions } from "../options.ts";
import type { Outcome } from "./outcome.ts";
import { wat } from "../testing/wat.ts";

const IMPORTS = `
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
  (import "wasi_snapshot_preview1" "sock_shutdown" (func $shutdown (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\\01") ;; the monotonic clock
  (data (i32.const 24) "\\40\\42\\0f") ;; 1 ms
  (func $wait (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128))))`;

const NETWORK: WasiOptions = { host: "portable", allowAddress: () => true };

async function run(body: string, options = NETWORK): Promise<Outcome> {
  const guest = await prepare(wat(`(module ${IMPORTS} ${body})`), options);
  try {
    return await guest.run();
  } finally {
    guest.dispose();
  }
}

function message(outcome: Outcome): string {
  assert.equal(outcome.kind, "trapped");
  return outcome.kind === "trapped" ? outcome.message : "";
}

Deno.test("a suspended guest leaves the event loop to others, and comes back", async () => {
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  try {
    const outcome = await run(`(func (export "_start") (local $i i32)
      (loop $again
        (call $wait)
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $i) (i32.const 20)))))`);
    assert.deepEqual(outcome, { kind: "exited", code: 0 });
    assert.ok(turns >= 2, `${turns} turns`);
  } finally {
    clearInterval(timer);
  }
});

Deno.test("a guest without a network is not suspended: it blocks", async () => {
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  try {
    await run(`(func (export "_start") (call $wait) (call $wait))`, { host: "portable" });
    assert.equal(turns, 0);
  } finally {
    clearInterval(timer);
  }
});

Deno.test("a guest that never waits lets the event loop run now and then", async () => {
  const { port1, port2 } = new MessageChannel();
  let heard = false;
  port2.onmessage = () => heard = true;
  port1.postMessage("");
  await run(`(func (export "_start") (local $i i32)
    (loop $again
      (drop (call $shutdown (i32.const 0) (i32.const 1)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (i32.const 100000)))))`);
  assert.ok(heard);
  port1.close();
});

Deno.test("proc_exit ends a guest after a wait, and nothing catches it", async () => {
  const outcome = await run(`(func (export "_start")
    (try (do (call $wait) (call $exit (i32.const 7))) (catch_all (call $exit (i32.const 99)))))`);
  assert.deepEqual(outcome, { kind: "exited", code: 7 });
});

Deno.test("a trap after a wait is told with its Wasm stack", async () => {
  const outcome = await run(`
    (func $inner (call $wait) unreachable)
    (func $outer (export "_start") (call $inner))`);
  assert.match(message(outcome), /^unreachable\n {4}at inner \(.*\)\n {4}at outer \(.*\)$/);
});

Deno.test("a stack overflow is told, before a wait and after it", async () => {
  for (const wait of ["", "(call $wait)"]) {
    const outcome = await run(`(func $f (call $f)) (func (export "_start") ${wait} (call $f))`);
    assert.match(message(outcome), /^stack overflow\n {4}at f /);
  }
});

Deno.test("deep frames survive a wait", async () => {
  const outcome = await run(`
    (func $down (param $left i32) (result i32)
      (if (result i32) (i32.eqz (local.get $left))
        (then (call $wait) (i32.const 0))
        (else (i32.add (i32.const 1) (call $down (i32.sub (local.get $left) (i32.const 1)))))))
    (func (export "_start") (call $exit (call $down (i32.const 5000))))`);
  assert.deepEqual(outcome, { kind: "exited", code: 5000 });
});

Deno.test("a start section that would have to wait traps", async () => {
  const outcome = await run(`(func $s (call $wait)) (start $s) (func (export "_start"))`);
  assert.match(message(outcome), /^a call that may have to wait in the start section.*\n {4}at /);
});

Deno.test("a guest that is disposed of while it waits is unwound, and nothing catches it", async () => {
  const text = `(module ${IMPORTS} (func (export "_start")
    (i64.store (i32.const 24) (i64.const 3600000000000)) ;; an hour
    (try (do (call $wait)) (catch_all))
    (call $exit (i32.const 99))))`;
  const guest = await prepare(wat(text), NETWORK);
  const running = guest.run();
  guest.dispose();
  await assert.rejects(running, /disposed of while it waited/);
});

Deno.test("two guests wait at the same time, and traces are as short as before at the end", async () => {
  const limit = Error.stackTraceLimit;
  const body = (code: number): string =>
    `(func (export "_start") (call $wait) (call $exit (i32.const ${code})))`;
  const outcomes = await Promise.all([run(body(1)), run(body(2)), run(body(3))]);
  assert.deepEqual(outcomes.map((outcome) => outcome.kind === "exited" && outcome.code), [1, 2, 3]);
  assert.equal(Error.stackTraceLimit, limit);
});

Deno.test("sched_yield() of a suspended guest is a turn of the event loop", async () => {
  let turns = 0;
  const handle = setImmediate(() => turns++);
  await run(`(func (export "_start") (drop (call $yield)))`);
  clearImmediate(handle);
  assert.equal(turns, 1);
});

/** Accepts a connection on descriptor 3 and sends back what comes; `flags` are those of the connection. */
const ECHO = (flags: number): string => `
  (import "wasi_snapshot_preview1" "sock_accept" (func $accept (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_fdstat_set_flags" (func $flags (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\00\\10\\00\\00") ;; an iovec: 4,096 and a length
  ;; Ends with 100 + errno on any error but "again" (6).
  (func $check (param $errno i32) (result i32)
    (if (i32.and (i32.ne (local.get $errno) (i32.const 0)) (i32.ne (local.get $errno) (i32.const 6)))
      (then (call $exit (i32.add (local.get $errno) (i32.const 100)))))
    (local.get $errno))
  (func (export "_start") (local $fd i32)
    (drop (call $check (call $flags (i32.const 3) (i32.const ${flags}))))
    (loop $knock (br_if $knock
      (call $check (call $accept (i32.const 3) (i32.const ${flags}) (i32.const 16)))))
    (local.set $fd (i32.load (i32.const 16)))
    (loop $next
      (i32.store (i32.const 4) (i32.const 32768))
      (br_if $next (call $check
        (call $read (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 20))))
      (if (i32.eqz (i32.load (i32.const 20))) (then (call $exit (i32.const 5))))
      (i32.store (i32.const 4) (i32.load (i32.const 20)))
      (loop $all (br_if $all (call $check
        (call $write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 20)))))
      (br $next)))`;

for (const [way, flags] of [["waits", 0], ["never waits but asks again and again", 4]] as const) {
  Deno.test(`a guest that ${way} serves a connection, and what it sent last arrives`, async () => {
    const port = freePort();
    const listeners = [{ hostname: "127.0.0.1", port }];
    const guest = await prepare(wat(`(module ${ECHO(flags)})`), { host: "portable", listeners });
    const running = guest.run();
    const connection = await Deno.connect({ port });
    for (const text of ["hello", "again", "x".repeat(30_000)]) {
      await connection.write(encoder.encode(text));
      let back = "";
      while (back.length < text.length) back += await read(connection);
      assert.equal(back, text);
    }
    await connection.write(encoder.encode("bye"));
    await connection.closeWrite();
    assert.deepEqual(await running, { kind: "exited", code: 5 });
    assert.equal(await read(connection), "bye");
    connection.close();
    guest.dispose();
  });
}

const encoder = new TextEncoder();

async function read(connection: Deno.Conn): Promise<string> {
  const buffer = new Uint8Array(65_536);
  const count = await connection.read(buffer);
  return new TextDecoder().decode(buffer.subarray(0, count ?? 0));
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
