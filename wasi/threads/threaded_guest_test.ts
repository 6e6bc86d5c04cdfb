import assert from "node:assert/strict";
import { prepare } from "../guest/guest.ts";
import { LinkError } from "../guest/link.ts";
import { OptionsError } from "../options.ts";
import { processThreads, run, testHosts, threaded, until } from "../testing/threads.ts";
import { wat } from "../testing/wat.ts";

const THREADS = 20;
const ADDING = threaded(`
  (func (export "wasi_thread_start") (param $tid i32) (param $argument i32)
    (drop (i32.atomic.rmw.add (i32.const 4) (local.get $argument)))
    (call $finish))
  (func (export "_start") (local $i i32)
    (loop $next
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (if (i32.le_s (call $spawn (local.get $i)) (i32.const 0)) (then (call $exit (i32.const 255))))
      (br_if $next (i32.lt_s (local.get $i) (i32.const ${THREADS}))))
    (call $await (i32.const ${THREADS}))
    (call $exit (i32.atomic.load (i32.const 4))))`);

testHosts("threads work on one memory, and are waited for there", async (host) => {
  const { outcome } = await run(ADDING, { host });
  assert.deepEqual(outcome, { kind: "exited", code: THREADS * (THREADS + 1) / 2 });
});

testHosts("a guest that has threads still runs once", async (host) => {
  const guest = await prepare(ADDING, { host });
  assert.equal((await guest.run()).kind, "exited");
  await assert.rejects(() => guest.run(), /has run before/);
  guest.dispose();
  guest.dispose();
});

testHosts("proc_exit in a thread ends all threads, with its code", async (host) => {
  const { outcome } = await run(
    threaded(`
      (func (export "wasi_thread_start") (param i32 i32) (call $exit (local.get 1)))
      (func (export "_start")
        (drop (call $spawn (i32.const 42)))
        (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))
        unreachable)`),
    { host },
  );
  assert.deepEqual(outcome, { kind: "exited", code: 42 });
});

testHosts("a trap in a thread ends all threads, and is told", async (host) => {
  const { outcome } = await run(
    threaded(`
      (func $deep unreachable)
      (func (export "wasi_thread_start") (param i32 i32) (call $deep))
      (func (export "_start") (drop (call $spawn (i32.const 0))) (call $forever))`),
    { host },
  );
  assert.ok(outcome.kind === "trapped");
  assert.match(outcome.message, /^unreachable\n {4}at deep \(function \d+, 0x/);
});

testHosts("a stack overflow in a thread is a trap like any other", async (host) => {
  const { outcome } = await run(
    threaded(`
      (func $recurse (export "wasi_thread_start") (param i32 i32)
        (call $recurse (local.get 0) (local.get 1)))
      (func (export "_start") (drop (call $spawn (i32.const 0))) (call $forever))`),
    { host },
  );
  assert.ok(outcome.kind === "trapped");
  assert.match(outcome.message, /^stack overflow\n/);
});

testHosts("the guest ends when _start returns, and threads in loops are gone", async (host) => {
  const before = processThreads();
  const { outcome } = await run(
    threaded(`
      (func (export "wasi_thread_start") (param i32 i32)
        (call $finish)
        (if (local.get 1) (then (call $forever)))
        (drop (memory.atomic.wait32 (i32.const 8) (i32.const 0) (i64.const -1))))
      (func (export "_start")
        (drop (call $spawn (i32.const 0)))
        (drop (call $spawn (i32.const 1)))
        (call $await (i32.const 2)))`),
    { host },
  );
  assert.deepEqual(outcome, { kind: "exited", code: 0 });
  await until(() => processThreads() <= before);
});

testHosts(
  "thread-spawn refuses one thread too many, and takes another when one has ended",
  async (host) => {
    // Threads end in the order in which word 8 lets them; the first one counts.
    const { outcome } = await run(
      threaded(`
      (func (export "wasi_thread_start") (param i32 i32)
        (drop (memory.atomic.wait32 (i32.const 8) (i32.const 0) (i64.const -1)))
        (call $finish))
      (func (export "_start")
        (if (i32.le_s (call $spawn (i32.const 0)) (i32.const 0)) (then (call $exit (i32.const 1))))
        (if (i32.le_s (call $spawn (i32.const 0)) (i32.const 0)) (then (call $exit (i32.const 2))))
        (if (i32.ge_s (call $spawn (i32.const 0)) (i32.const 0)) (then (call $exit (i32.const 3))))
        (i32.atomic.store (i32.const 8) (i32.const 1))
        (drop (memory.atomic.notify (i32.const 8) (i32.const -1)))
        (call $await (i32.const 2))
        (if (i32.le_s (call $spawn (i32.const 0)) (i32.const 0)) (then (call $exit (i32.const 4))))
        (call $await (i32.const 3)))`),
      { host, threadsMax: 3 },
    );
    assert.deepEqual(outcome, { kind: "exited", code: 0 });
  },
);

testHosts("threads that spawn threads for ever leave the supervisor free", async (host) => {
  const guest = await prepare(
    threaded(`
      (func $storm (export "wasi_thread_start") (param i32 i32)
        (loop $again (drop (call $spawn (i32.const 0))) (br $again)))
      (func (export "_start") (call $storm (i32.const 0) (i32.const 0)))`),
    { host, threadsMax: 8 },
  );
  const running = guest.run();
  let turns = 0;
  const deadline = performance.now() + 60_000;
  for (; turns < 50 && performance.now() < deadline; turns++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  guest.dispose();
  await assert.rejects(running, /disposed of/);
  assert.equal(turns, 50);
});

Deno.test("prepare() refuses what is no guest with threads", async () => {
  const refusal = async (text: string): Promise<string> => {
    try {
      (await prepare(wat(text))).dispose();
    } catch (error) {
      assert.ok(error instanceof LinkError);
      return error.message;
    }
    throw new Error("it was linked");
  };
  const memory = `(import "env" "memory" (memory 1 4 shared))`;
  const spawn = `(import "wasi" "thread-spawn" (func (param i32) (result i32)))`;
  const start = `(func (export "_start"))`;
  assert.match(
    await refusal(`(module ${spawn} ${memory} ${start})`),
    /does not export wasi_thread_start/,
  );
  assert.match(
    await refusal(`(module (import "env" "memory" (memory 1)) ${start})`),
    /"env\.memory"/,
  );
  assert.match(await refusal(`(module ${memory})`), /does not export _start/);
  await assert.rejects(() => prepare(ADDING, { threadsMax: 0 }), OptionsError);
  await assert.rejects(() => prepare(ADDING, { threadsMax: 100_000 }), /from 1 to 1024/);
});

testHosts("growthRefused is told of the thread that ends the guest", async (host) => {
  const limited = { memoryBytesMax: 3 * 65_536 };
  const told = async (thread: string, first: string): Promise<boolean> => {
    const module = threaded(
      `(func (export "wasi_thread_start") (param i32 i32) ${thread} (call $finish))
       (func (export "_start") (drop (call $spawn (i32.const 0))) (call $await (i32.const 1)) ${first})`,
      limited,
    );
    const { guest } = await run(module, { host });
    return guest.growthRefused;
  };
  const grow = "(drop (memory.grow (i32.const 3)))";
  assert.equal(await told(`${grow} unreachable`, ""), true);
  assert.equal(await told(`${grow} (call $exit (i32.const 2))`, ""), true);
  assert.equal(await told("", `${grow} unreachable`), true);
  // What another thread was refused is not why this one breaks.
  assert.equal(await told(grow, "unreachable"), false);
});
