import assert from "node:assert/strict";
import type { ContainerRun } from "../../lib/mod.ts";
import { RunMeters } from "./run_meters.ts";
import { openFixture, SLEEPS, SPINS, start, until, type WasiFixture } from "./testing.ts";

const linux = { ignore: Deno.build.os !== "linux" };
const never = new AbortController().signal;
const MS = 1_000_000;
/** No process has this number. */
const GONE = 2 ** 30;
/** Counts for some tenths of a second of CPU time, and leaves. */
const WORKS = start(
  `
  (loop $next
    (global.set $left (i32.sub (global.get $left) (i32.const 1)))
    (br_if $next (global.get $left)))`,
  `(global $left (mut i32) (i32.const 900000000))`,
);

/** Begins a run, and ends it when it is disposed of. */
async function begin(
  { provider }: WasiFixture,
  container: ContainerRun,
): Promise<AsyncDisposable> {
  const kill = new AbortController();
  const started = Promise.withResolvers<void>();
  const ended = provider.run(container, {
    stop: never,
    kill: kill.signal,
    onStarted: started.resolve,
  });
  await Promise.race([started.promise, ended]);
  return {
    [Symbol.asyncDispose]: async () => {
      kill.abort();
      await ended;
    },
  };
}

async function cpu({ provider }: WasiFixture, { id }: ContainerRun): Promise<number> {
  return (await provider.usage(id))!.cpuNanos!;
}

Deno.test(
  "WasiProvider.usage() tells what a run's process takes, until it has ended",
  linux,
  async () => {
    await using fixture = await openFixture();
    const [busy, idle] = [await fixture.guestOf(SPINS), await fixture.guestOf(SLEEPS)];
    assert.equal(await fixture.provider.usage(busy.id), undefined);
    {
      await using _busy = await begin(fixture, busy);
      await using _idle = await begin(fixture, idle);
      const [before, rest] = [await cpu(fixture, busy), await cpu(fixture, idle)];
      await until(async () => await cpu(fixture, busy) - before > 200 * MS);
      assert.ok(await cpu(fixture, idle) - rest < 100 * MS);
      const { memoryBytes, residentBytes, processes } = (await fixture.provider.usage(idle.id))!;
      assert.ok(memoryBytes! > 2 ** 20 && memoryBytes! < residentBytes!);
      assert.equal(processes, 1);
    }
    assert.equal(await fixture.provider.usage(busy.id), undefined);
  },
);

Deno.test(
  "WasiProvider.usage() counts the programs beside a run, also when they have ended",
  linux,
  async () => {
    await using fixture = await openFixture();
    const container = await fixture.guestOf(SLEEPS);
    const { module } = await fixture.guestOf(WORKS);
    await using _run = await begin(fixture, container);
    const alone = (await fixture.provider.usage(container.id))!;
    const ended = fixture.provider.exec({ container, module, argv: ["work"] }, {
      kill: never,
      onOutput: () => {},
    });
    await until(async () => (await fixture.provider.usage(container.id))!.processes === 2);
    const beside = (await fixture.provider.usage(container.id))!;
    assert.ok(beside.memoryBytes! > alone.memoryBytes!);
    assert.deepEqual(await ended, { kind: "exited", code: 0 });
    const after = (await fixture.provider.usage(container.id))!;
    assert.equal(after.processes, 1);
    assert.ok(after.cpuNanos! - alone.cpuNanos! > 200 * MS, `${after.cpuNanos! - alone.cpuNanos!}`);
    assert.ok(after.cpuNanos! >= beside.cpuNanos!);
  },
);

Deno.test("WasiProvider.usage() tells apart the threads of a shared process", linux, async () => {
  await using fixture = await openFixture({}, { runtimeHandler: "krustlet-worker" });
  // One module, that spins if it has more than one argument.
  const either = start(`
    (drop (call $args_sizes_get (i32.const 200) (i32.const 204)))
    (if (i32.gt_u (i32.load (i32.const 200)) (i32.const 1)) (then (loop $again (br $again))))
    ${SLEEPS.slice(SLEEPS.indexOf('"_start")') + 9, -2)}`);
  const idle = await fixture.guestOf(either);
  const busy = await fixture.guestOf(either, { argv: ["guest", "spin"] });
  await using _idle = await begin(fixture, idle);
  await using _busy = await begin(fixture, busy);
  const [before, rest] = [await cpu(fixture, busy), await cpu(fixture, idle)];
  await until(async () => await cpu(fixture, busy) - before > 200 * MS);
  assert.ok(await cpu(fixture, idle) - rest < 100 * MS);
  const [one, other] = [
    (await fixture.provider.usage(idle.id))!,
    (await fixture.provider.usage(busy.id))!,
  ];
  assert.equal(one.processes, 0);
  assert.ok(Math.abs(one.memoryBytes! - other.memoryBytes!) < one.memoryBytes! / 2);
});

Deno.test("RunMeters.beside() believes no more than can be true", linux, async () => {
  const meters = new RunMeters();
  using _run = meters.own("run", Deno.pid);
  const before = (await meters.read("run"))!.cpuNanos!;
  {
    using program = meters.beside("run", GONE);
    program.ended(Number.MAX_SAFE_INTEGER);
  }
  {
    using program = meters.beside("run", GONE);
    program.ended(undefined);
  }
  const after = (await meters.read("run"))!;
  assert.ok(after.cpuNanos! - before < 60_000 * MS, `${after.cpuNanos! - before}`);
  assert.equal(after.processes, 1);
});
