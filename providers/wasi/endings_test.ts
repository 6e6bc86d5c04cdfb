/** How guests in Workers of a shared process end, seen in the process's own threads. */
import assert from "node:assert/strict";
import type { Exit } from "../../lib/mod.ts";
import {
  guestProcesses,
  isAlive,
  openFixture,
  print,
  READS_A_PIPE,
  SLEEPS,
  SPINS,
  SPINS_WITH_CALLS,
  start,
  THREADS_STAY,
  until,
} from "./testing.ts";
import { begin, type Running } from "./testing_runs.ts";

const ignore = Deno.build.os !== "linux";
const WORKER = { runtimeHandler: "krustlet-worker" } as const;

/** The threads of a process that are Workers. */
function workersOf(pid: number): number[] {
  return [...Deno.readDirSync(`/proc/${pid}/task`)].map(({ name }) => Number(name))
    .filter((thread) => commandOf(pid, thread).startsWith("worker-"));
}

function commandOf(pid: number, thread: number): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/task/${thread}/comm`);
  } catch {
    return ""; // it has just ended
  }
}

for (
  const [what, wat] of [
    ["a loop without calls", SPINS],
    ["a loop with calls", SPINS_WITH_CALLS],
    ["a sleep in poll_oneoff", SLEEPS],
    ["a blocked read", READS_A_PIPE],
  ] as const
) {
  Deno.test({
    name: `a Worker's thread is gone when ${what} is killed, and its neighbour goes on`,
    ignore,
    async fn(): Promise<void> {
      await using fixture = await openFixture({ poolSize: 0 }, WORKER);
      const [one, other] = [await fixture.guestOf(wat), await fixture.guestOf(wat)];
      for (const { rootPath } of [one, other]) {
        await new Deno.Command("mkfifo", { args: [`${rootPath}/pipe`] }).output();
      }
      const neighbour = await begin(fixture, other);
      const [pid] = await guestProcesses(fixture.folder);
      const victim = await begin(fixture, one);
      const before = workersOf(pid!);
      assert.deepEqual(await victim.kill(), { kind: "killed" });
      const after = workersOf(pid!);
      assert.equal(before.filter((thread) => !after.includes(thread)).length, 1);
      assert.equal(await isAlive(pid!), true);
      assert.deepEqual(await neighbour.kill(), { kind: "killed" });
    },
  });
}

Deno.test({
  name: "a thousand kills in shared processes leak no thread, and little memory",
  ignore,
  async fn(): Promise<void> {
    await using fixture = await openFixture({ poolSize: 0 }, WORKER);
    const container = await fixture.guestOf(SPINS);
    // Each namespace has a process of its own.
    await Promise.all(["a", "b", "c", "d"].map(async (namespace) => {
      const pod = { ...container.pod, namespace };
      const logPath = `${container.logPath}.${namespace}`;
      const killOne = async (): Promise<Exit> =>
        await (await begin(fixture, { ...container, pod, logPath })).kill();
      for (let kills = 0; kills < 250; kills++) {
        assert.deepEqual(await killOne(), { kind: "killed" });
      }
    }));
    for (const pid of await guestProcesses(fixture.folder)) {
      // What is kept warm for the next guest, at most.
      await until(() => Promise.resolve(workersOf(pid).length <= 1));
      const kib = /^VmRSS:\s+(\d+) kB$/m.exec(await Deno.readTextFile(`/proc/${pid}/status`))?.[1];
      assert.ok(Number(kib) < 160 * 1024, `${kib} KiB after 250 kills`);
    }
  },
});

Deno.test({
  name: "a thousand kills of processes leave none of them",
  ignore,
  async fn(): Promise<void> {
    await using fixture = await openFixture();
    const container = await fixture.guestOf(SPINS);
    await Promise.all(["a", "b", "c", "d"].map(async (lane) => {
      const logPath = `${container.logPath}.${lane}`;
      for (let kills = 0; kills < 250; kills++) {
        const guest = await begin(fixture, { ...container, logPath });
        assert.deepEqual(await guest.kill(), { kind: "killed" });
      }
    }));
    await fixture.provider.close();
    assert.deepEqual(await guestProcesses(fixture.folder), []);
  },
});

Deno.test({
  name: "containers share a process if they have module and namespace in common",
  ignore,
  async fn(): Promise<void> {
    await using fixture = await openFixture({ poolSize: 0 }, WORKER);
    const container = await fixture.guestOf(SLEEPS);
    const elsewhere = { ...container, pod: { ...container.pod, namespace: "other" } };
    const another = await fixture.guestOf(SPINS);
    const alone = { ...container, runtimeHandler: "krustlet-process" };
    const guests: Running[] = [];
    const counts: number[] = [];
    for (const one of [container, container, elsewhere, another, alone]) {
      guests.push(await begin(fixture, one));
      counts.push((await guestProcesses(fixture.folder)).length);
    }
    assert.deepEqual(counts, [1, 1, 2, 3, 4]);
    for (const guest of guests) assert.deepEqual(await guest.kill(), { kind: "killed" });
  },
});

Deno.test({
  name: "guests have crashed when somebody kills the process that they share",
  ignore,
  async fn(): Promise<void> {
    await using fixture = await openFixture({ poolSize: 0 }, WORKER);
    const container = await fixture.guestOf(SLEEPS);
    const guests = [await begin(fixture, container), await begin(fixture, container)];
    Deno.kill((await guestProcesses(fixture.folder))[0]!, "SIGKILL");
    for (const { ended } of guests) {
      const exit = await ended;
      assert.equal(exit.kind, "crashed");
      assert.match("message" in exit ? exit.message : "", /^The process that the guest shared/);
    }
    // The next one gets a new process.
    const next = await begin(fixture, container);
    assert.deepEqual(await next.kill(), { kind: "killed" });
  },
});

Deno.test({
  name: "a module that starts threads gets a process of its own",
  ignore,
  async fn(): Promise<void> {
    await using fixture = await openFixture({ poolSize: 0 }, WORKER);
    const guest = await begin(fixture, await fixture.guestOf(THREADS_STAY));
    const commands = await Promise.all(
      (await guestProcesses(fixture.folder)).map(async (pid) =>
        await Deno.readTextFile(`/proc/${pid}/cmdline`)
      ),
    );
    assert.equal(commands.filter((line) => line.includes("\0shared\0")).length, 1);
    assert.equal(commands.filter((line) => /\0(alone|awaited)\0/.test(line)).length, 1);
    assert.deepEqual(await guest.kill(), { kind: "killed" });
  },
});

Deno.test({
  name: "a guest in a Worker overflows its own stack, and harms nobody",
  ignore,
  async fn(): Promise<void> {
    await using fixture = await openFixture({ poolSize: 0 }, WORKER);
    const wat = start(
      `(if (call $sched_yield) (then unreachable))
       (call $proc_exit (call $deeper (i32.const 0)))`,
      `(func $deeper (param i32) (result i32)
         (i32.add (call $deeper (i32.add (local.get 0) (i32.const 1))) (local.get 0)))`,
    );
    const guests = [1, 2, 3].map(async () => {
      return await (await begin(fixture, await fixture.guestOf(wat))).ended;
    });
    for (const exit of await Promise.all(guests)) {
      assert.equal(exit.kind, "trapped", JSON.stringify(exit));
      assert.match("message" in exit ? exit.message : "", /stack overflow/);
    }
    assert.equal((await guestProcesses(fixture.folder)).length, 1);
  },
});

Deno.test({
  name: "a shared process compiles its module for each memory limit, and keeps to it",
  ignore,
  async fn(): Promise<void> {
    await using fixture = await openFixture({ poolSize: 0 }, WORKER);
    const wat = start(`(loop $again
      (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
      ${print(1, "full\n")}
      (drop (memory.grow (i32.const 0))) ;; granted: what it leaves with is not for want of memory
      (call $proc_exit (memory.size))`);
    for (const pages of [32, 48, 32]) {
      const limits = { memoryBytes: pages * 64 * 1024 };
      const { ended } = await begin(fixture, await fixture.guestOf(wat, { limits }));
      assert.deepEqual(await ended, { kind: "exited", code: pages });
    }
    assert.equal((await guestProcesses(fixture.folder)).length, 1);
  },
});
