/** What is told apart when a guest with a memory limit fails: the limit, or something else. */
import assert from "node:assert/strict";
import type { Exit } from "../../lib/mod.ts";
import { openFixture, start, type WasiFixture } from "./testing.ts";

const never = new AbortController().signal;
const MIB = 1024 * 1024;
const PAGES = 16; // per MiB, and what a guest of `start` begins with

/** Grows by some MiB, with what it was before on the stack. */
const grow = (mebibytes: number): string => `(memory.grow (i32.const ${mebibytes * PAGES}))`;

/** As an allocator in a language that aborts does it: doubles what it has until that is refused. */
const DOUBLES = `(local $pages i32) (local.set $pages (i32.const ${PAGES}))
  (loop $more
    (if (i32.eq (memory.grow (local.get $pages)) (i32.const -1)) (then unreachable))
    (local.set $pages (i32.mul (local.get $pages) (i32.const 2)))
    (br $more))`;

/** How a guest with this code ends under a limit of 20 MiB. */
async function endOf(
  { provider, guestOf }: WasiFixture,
  code: string,
  limits: { memoryBytes?: number } = { memoryBytes: 20 * MIB },
): Promise<Exit> {
  const container = await guestOf(start(code), { limits });
  return await provider.run(container, { onStarted: () => {}, stop: never, kill: never });
}

const HANDLERS = Deno.build.os === "linux"
  ? ["krustlet-process", "krustlet-worker"] as const
  : ["krustlet-process"] as const;

for (const runtimeHandler of HANDLERS) {
  Deno.test(`${runtimeHandler}: an allocator's abort is out of memory long before the last page`, async () => {
    await using fixture = await openFixture({}, { runtimeHandler });
    const exit = await endOf(fixture, DOUBLES);
    assert.equal(exit.kind, "out_of_memory", JSON.stringify(exit));
    assert.match(
      "message" in exit ? exit.message : "",
      /^The guest has reached its memory limit of 20971520 bytes: unreachable/,
    );
    const left = await endOf(fixture, `(drop ${grow(20)}) (call $proc_exit (i32.const 2))`);
    assert.deepEqual(left, {
      kind: "out_of_memory",
      message: "The guest has reached its memory limit of 20971520 bytes: it left with code 2",
    });
  });

  Deno.test(`${runtimeHandler}: other failures under a limit stay what they are`, async () => {
    await using fixture = await openFixture({}, { runtimeHandler });
    const kinds = async (code: string): Promise<string> => (await endOf(fixture, code)).kind;
    assert.equal(await kinds("unreachable"), "trapped");
    assert.equal(await kinds(`(drop ${grow(3)}) unreachable`), "trapped");
    // It got over the refusal.
    assert.equal(await kinds(`(drop ${grow(20)}) (drop ${grow(1)}) unreachable`), "trapped");
    assert.deepEqual(await endOf(fixture, `(drop ${grow(3)}) (call $proc_exit (i32.const 2))`), {
      kind: "exited",
      code: 2,
    });
  });

  Deno.test(`${runtimeHandler}: a guest may live with a refusal, and without a limit`, async () => {
    await using fixture = await openFixture({}, { runtimeHandler });
    assert.deepEqual(await endOf(fixture, `(drop ${grow(20)})`), { kind: "exited", code: 0 });
    const unlimited = await endOf(fixture, `(drop (memory.grow (i32.const -1))) unreachable`, {});
    assert.equal(unlimited.kind, "trapped");
  });
}

Deno.test("a guest that traps with its memory full is out of memory, refused or not", async () => {
  await using fixture = await openFixture();
  const exit = await endOf(fixture, `(drop ${grow(19)}) unreachable`);
  assert.equal(exit.kind, "out_of_memory", JSON.stringify(exit));
});

/** Starts 16 threads that wait for each other, and leaves when all are there. */
const SIXTEEN = `(module
  (import "env" "memory" (memory 1 1 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (export "memory" (memory 0))
  (func $meet
    (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))
    (drop (memory.atomic.notify (i32.const 0) (i32.const 100)))
    (loop $wait
      (drop (memory.atomic.wait32 (i32.const 0) (i32.atomic.load (i32.const 0)) (i64.const 10000000)))
      (br_if $wait (i32.lt_u (i32.atomic.load (i32.const 0)) (i32.const 17)))))
  (func (export "wasi_thread_start") (param i32 i32) (call $meet))
  (func (export "_start") (local $left i32)
    (local.set $left (i32.const 16))
    (loop $more
      (if (i32.lt_s (call $spawn (i32.const 0)) (i32.const 0)) (then unreachable))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $more (local.get $left)))
    (call $meet)))`;

Deno.test({
  name: "the Workers of a guest's threads do not count against its memory limit",
  ignore: Deno.build.os !== "linux",
  async fn(): Promise<void> {
    await using fixture = await openFixture({ poolSize: 0 });
    const container = await fixture.guestOf(SIXTEEN, { limits: { memoryBytes: 20 * MIB } });
    const control = { onStarted: () => {}, stop: never, kill: never };
    assert.deepEqual(await fixture.provider.run(container, control), { kind: "exited", code: 0 });
  },
});
