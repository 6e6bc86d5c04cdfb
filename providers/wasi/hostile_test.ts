/** Guests that mean harm: each harms itself at most, in both isolation classes. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { ContainerRun, Exit } from "../../lib/mod.ts";
import { LOG_FILE_BYTES_MAX, LOG_FILES_MAX } from "./limits.ts";
import {
  assemble,
  guestProcesses,
  openFixture,
  print,
  SPINS,
  start,
  type WasiFixture,
} from "./testing.ts";

const never = new AbortController().signal;
const HANDLERS = Deno.build.os === "linux"
  ? ["krustlet-process", "krustlet-worker"]
  : ["krustlet-process"];
const MIB = 1024 * 1024;

function run({ provider }: WasiFixture, container: ContainerRun, kill = never): Promise<Exit> {
  return provider.run(container, { onStarted: () => {}, stop: never, kill });
}

/** Somebody else's container does its work, and as it should. */
async function bystander(fixture: WasiFixture): Promise<void> {
  const container = await fixture.guestOf(start(print(1, "fine\n")));
  assert.deepEqual(await run(fixture, container), { kind: "exited", code: 0 });
  assert.match(await Deno.readTextFile(container.logPath), /^\S+ stdout F fine\n$/);
}

/** Takes all memory that it can get, uses it, and breaks down. */
const MEMORY_BOMB = start(`(local $before i32)
  (loop $again
    (local.set $before (memory.grow (i32.const 16)))
    (if (i32.eq (local.get $before) (i32.const -1)) (then unreachable))
    (memory.fill (i32.shl (local.get $before) (i32.const 16)) (i32.const 1) (i32.const 1048576))
    (br $again))`);

/** Opens the file `f` a million times and never closes it; its exit code is the last errno. */
const DESCRIPTOR_BOMB = start(`(local $count i32)
  (i32.store8 (i32.const 32) (i32.const 102))
  (loop $next
    (i32.store (i32.const 128)
      (call $path_open (i32.const 3) (i32.const 0) (i32.const 32) (i32.const 1) (i32.const 0)
        (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 64)))
    (local.set $count (i32.add (local.get $count) (i32.const 1)))
    (br_if $next (i32.lt_u (local.get $count) (i32.const 1000000))))
  (call $proc_exit (i32.load (i32.const 128)))`);

/** Writes 200 MiB to stdout, a MiB at a time, without an end of line. */
const LOG_BOMB = start(`(local $count i32)
  (memory.fill (i32.const 0) (i32.const 120) (i32.const 1048576))
  (i32.store (i32.const 0) (i32.const 0)) (i32.store (i32.const 4) (i32.const 1048576))
  (loop $next
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    (local.set $count (i32.add (local.get $count) (i32.const 1)))
    (br_if $next (i32.lt_u (local.get $count) (i32.const 200))))`);

for (const runtimeHandler of HANDLERS) {
  Deno.test(`${runtimeHandler}: a memory bomb with a limit is out of memory, and nobody else is`, async () => {
    await using fixture = await openFixture({}, { runtimeHandler });
    const limits = { memoryBytes: 32 * MIB };
    const [exit] = await Promise.all([
      run(fixture, await fixture.guestOf(MEMORY_BOMB, { limits })),
      bystander(fixture),
    ]);
    assert.equal(exit.kind, "out_of_memory", JSON.stringify(exit));
    await bystander(fixture);
  });

  Deno.test(`${runtimeHandler}: four endless loops keep nobody from work, and end when told`, async () => {
    await using fixture = await openFixture({ poolSize: 0 }, { runtimeHandler });
    const kill = new AbortController();
    const container = await fixture.guestOf(SPINS);
    const loops = [1, 2, 3, 4].map((number) => {
      const logPath = `${container.logPath}.${number}`;
      return run(fixture, { ...container, logPath }, kill.signal);
    });
    await bystander(fixture);
    kill.abort();
    for (const exit of await Promise.all(loops)) assert.deepEqual(exit, { kind: "killed" });
    await fixture.provider.close();
    assert.deepEqual(await guestProcesses(fixture.folder), []);
  });

  Deno.test(`${runtimeHandler}: endless recursion traps`, async () => {
    await using fixture = await openFixture({}, { runtimeHandler });
    const wat = start("(call $deeper)", "(func $deeper (call $deeper))");
    const exit = await run(fixture, await fixture.guestOf(wat));
    assert.equal(exit.kind, "trapped", JSON.stringify(exit));
    await bystander(fixture);
  });

  Deno.test(`${runtimeHandler}: a million descriptors are refused long before`, async () => {
    await using fixture = await openFixture({}, { runtimeHandler });
    const container = await fixture.guestOf(DESCRIPTOR_BOMB);
    await Deno.writeTextFile(`${container.rootPath}/f`, "");
    const exit = await run(fixture, container);
    assert.deepEqual(exit, { kind: "exited", code: 33 }); // errno mfile
    await bystander(fixture);
  });

  Deno.test(`${runtimeHandler}: a log of 200 MiB takes no more disk than logs may`, async () => {
    await using fixture = await openFixture({}, { runtimeHandler });
    const container = await fixture.guestOf(LOG_BOMB);
    const [exit] = await Promise.all([run(fixture, container), bystander(fixture)]);
    assert.deepEqual(exit, { kind: "exited", code: 0 });
    let bytes = 0;
    for await (const { name } of Deno.readDir(`${fixture.folder}/logs`)) {
      bytes += (await Deno.stat(`${fixture.folder}/logs/${name}`)).size;
    }
    assert.ok(bytes > LOG_FILE_BYTES_MAX && bytes <= LOG_FILES_MAX * LOG_FILE_BYTES_MAX + MIB);
  });
}

Deno.test({
  name: "forty giant tables are refused, or count to the memory limit",
  ignore: Deno.build.os !== "linux",
  async fn(): Promise<void> {
    await using fixture = await openFixture();
    const tables = Array.from({ length: 40 }, (_, index) => `(table $t${index} 0 externref)`);
    const grows = tables.map((_, index) =>
      `(if (i32.eq (i32.const -1) (table.grow $t${index} (ref.null extern) (i32.const 9999999)))
        (then unreachable))`
    );
    const wat = start(grows.join("\n"), tables.join("\n"));
    const limits = { memoryBytes: 16 * MIB };
    const exit = await run(fixture, await fixture.guestOf(wat, { limits }));
    assert.ok(["trapped", "out_of_memory"].includes(exit.kind), JSON.stringify(exit));
    await bystander(fixture);
  },
});

Deno.test("corrupt modules end as what they are, and harm nobody", async () => {
  await using fixture = await openFixture();
  const whole = await assemble(start(print(1, "hello\n")));
  const mutation = fc.array(
    fc.record({ at: fc.nat(whole.length - 1), byte: fc.nat(255) }),
    { minLength: 1, maxLength: 8 },
  );
  const template = await fixture.guestOf(start("nop"));
  let number = 0;
  await fc.assert(
    fc.asyncProperty(mutation, fc.nat(whole.length), async (changes, cut) => {
      const bytes = whole.slice(0, cut < 16 ? cut : whole.length);
      for (const { at, byte } of changes) if (at < bytes.length) bytes[at] = byte;
      const path = `${fixture.folder}/images/corrupt-${number++}.wasm`;
      await Deno.writeFile(path, bytes);
      const kill = AbortSignal.timeout(2_000); // a mutant may loop
      const exit = await run(fixture, { ...template, module: { ...template.module, path } }, kill);
      assert.ok(
        ["exited", "trapped", "start_error", "killed"].includes(exit.kind),
        JSON.stringify(exit),
      );
    }),
    { numRuns: 60 },
  );
  await bystander(fixture);
});
