/** Containers with a CPU limit, as real processes. */
import assert from "node:assert/strict";
import { CpuClock } from "./cpu_clock.ts";
import type { CpuKeeper } from "./cpu_keeper.ts";
import { withFallback } from "./cpu_limits.ts";
import { findLibc } from "./libc_path.ts";
import {
  guestProcesses,
  isAlive,
  openFixture,
  print,
  SLEEPS,
  SPINS,
  start,
  stateOf,
  until,
  type WasiFixture,
} from "./testing.ts";

const ignore = Deno.build.os !== "linux";
const never = new AbortController().signal;
const clock = CpuClock.open(findLibc());

/** A guest that runs, and what to know of it. */
interface Running extends AsyncDisposable {
  readonly id: string;
  readonly pid: number;
  /** Ends it; resolves with how. */
  kill(): Promise<string>;
}

/** Starts a guest in a process that nobody else has. */
async function begin(
  { provider, guestOf, folder }: WasiFixture,
  wat: string,
  limits: { cpuMillis?: number },
): Promise<Running> {
  const before = new Set(await guestProcesses(folder));
  const container = await guestOf(wat, { limits });
  const started = Promise.withResolvers<void>();
  const kill = new AbortController();
  const ended = provider.run(container, {
    onStarted: started.resolve,
    stop: never,
    kill: kill.signal,
  });
  await Promise.race([started.promise, ended]);
  const [pid] = (await guestProcesses(folder)).filter((one) => !before.has(one));
  assert.ok(pid !== undefined);
  const end = async (): Promise<string> => {
    kill.abort();
    return (await ended).kind;
  };
  return {
    id: container.id,
    pid,
    kill: end,
    [Symbol.asyncDispose]: async () => void await end(),
  };
}

/** CPUs that processes use, over so much time, each. */
async function rates(pids: readonly number[], ms: number): Promise<number[]> {
  const read = (): number[] => pids.map((pid) => clock?.usedMs(pid) ?? NaN);
  const [before, startMs] = [read(), performance.now()];
  await until(() => Promise.resolve(performance.now() - startMs >= ms));
  const passedMs = performance.now() - startMs;
  return read().map((usedMs, at) => (usedMs - before[at]!) / passedMs);
}

/** True if it was seen stopped within this time: with a fifth of a CPU, it is so for most of it. */
async function isEverStopped(pid: number, ms: number): Promise<boolean> {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs) {
    if (await stateOf(pid) === "T") return true;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return false;
}

function isNear(rate: number, wanted: number): boolean {
  // A loaded machine may give much less; more is what the limit is about.
  return rate < wanted * 1.2 && rate > wanted * 0.05;
}

Deno.test({
  name: "a container that computes all the time has its CPU limit and no more, beside others",
  ignore,
  async fn(): Promise<void> {
    await using fixture = await openFixture({ poolSize: 0 });
    await using one = await begin(fixture, SPINS, { cpuMillis: 250 });
    await using two = await begin(fixture, SPINS, { cpuMillis: 250 });
    await using small = await begin(fixture, SPINS, { cpuMillis: 50 });
    const [a = NaN, b = NaN, c = NaN] = await rates([one.pid, two.pid, small.pid], 3_000);
    assert.ok(isNear(a, 0.25) && isNear(b, 0.25), `${a}, ${b}`);
    assert.ok(isNear(c, 0.05), String(c));
  },
});

Deno.test({
  name: "WasiProvider.limitCpu() changes a limit at once, and takes it away",
  ignore,
  async fn(): Promise<void> {
    await using fixture = await openFixture({ poolSize: 0 });
    await using guest = await begin(fixture, SPINS, { cpuMillis: 20 });
    await until(async () => await stateOf(guest.pid) === "T");
    assert.ok(fixture.provider.limitCpu(guest.id, 200));
    const [more = NaN] = await rates([guest.pid], 2_000);
    assert.ok(isNear(more, 0.2), String(more));
    assert.ok(fixture.provider.limitCpu(guest.id, undefined));
    await until(async () => !await isEverStopped(guest.pid, 500));
    assert.ok(fixture.provider.limitCpu(guest.id, 20));
    await until(async () => (await rates([guest.pid], 500))[0]! < 0.05);
    await guest.kill();
    assert.equal(fixture.provider.limitCpu(guest.id, 200), false, "it is gone");
  },
});

Deno.test({
  name: "a guest that is stopped for its CPU limit is killed at once",
  ignore,
  async fn(): Promise<void> {
    await using fixture = await openFixture({ poolSize: 0 });
    const guest = await begin(fixture, SPINS, { cpuMillis: 20 });
    await until(async () => await stateOf(guest.pid) === "T");
    assert.equal(await guest.kill(), "killed");
    assert.equal(await isAlive(guest.pid), false);
  },
});

Deno.test({
  name: "a program beside a container counts for its CPU limit, and is answered for",
  ignore,
  async fn(): Promise<void> {
    await using fixture = await openFixture({ poolSize: 0 });
    const container = await fixture.guestOf(SLEEPS, { limits: { cpuMillis: 100 } });
    const [kill, started] = [new AbortController(), Promise.withResolvers<void>()];
    const ended = fixture.provider.run(container, {
      onStarted: started.resolve,
      stop: never,
      kill: kill.signal,
    });
    await started.promise;
    const before = new Set(await guestProcesses(fixture.folder));
    const exec = async (wat: string, signal: AbortSignal): Promise<string> => {
      const { module } = await fixture.guestOf(wat);
      const control = { kill: signal, onOutput: () => {} };
      return (await fixture.provider.exec({ container, module, argv: ["x"] }, control)).kind;
    };
    const stop = new AbortController();
    const spinning = exec(SPINS, stop.signal);
    const [pid = NaN] = await until(async () => {
      const pids = (await guestProcesses(fixture.folder)).filter((one) => !before.has(one));
      return pids.length > 0 && pids;
    });
    await until(async () => await stateOf(pid) === "T");
    const [rate = NaN] = await rates([pid], 2_000);
    assert.ok(isNear(rate, 0.1), String(rate));
    // Another one, as a probe, shares what there is: it is slow, and not lost.
    assert.equal(await exec(start(print(1, "alive\n")), never), "exited");
    stop.abort();
    assert.equal(await spinning, "killed");
    kill.abort();
    await ended;
  },
});

/** `poll_oneoff` for two seconds, and then a loop. */
const SLEEPS_AND_SPINS = start(`
  (i32.store (i32.const 16) (i32.const 1))
  (i64.store (i32.const 24) (i64.const 2000000000))
  (drop (call $poll_oneoff (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))
  (loop $again (br $again))`);

Deno.test({
  name: "a container that has slept for long is noticed when it computes",
  ignore,
  async fn(): Promise<void> {
    await using fixture = await openFixture({ poolSize: 0 });
    await using guest = await begin(fixture, SLEEPS_AND_SPINS, { cpuMillis: 100 });
    await until(async () => await stateOf(guest.pid) === "T");
    const [rate = NaN] = await rates([guest.pid], 2_000);
    assert.ok(isNear(rate, 0.1), String(rate));
  },
});

Deno.test({
  name: "a container of class worker has no CPU limit, and the provider says so",
  ignore,
  async fn(): Promise<void> {
    await using fixture = await openFixture({}, { runtimeHandler: "krustlet-worker" });
    const container = await fixture.guestOf(SLEEPS, { limits: { cpuMillis: 100 } });
    const [kill, started] = [new AbortController(), Promise.withResolvers<void>()];
    const ended = fixture.provider.run(container, {
      onStarted: started.resolve,
      stop: never,
      kill: kill.signal,
    });
    await started.promise;
    assert.equal(fixture.provider.limitCpu(container.id, 100), false);
    kill.abort();
    await ended;
  },
});

Deno.test({
  name: "a program beside a container of class worker has the limit that the container has by now",
  ignore,
  async fn(): Promise<void> {
    await using fixture = await openFixture({ poolSize: 0 }, { runtimeHandler: "krustlet-worker" });
    const container = await fixture.guestOf(SLEEPS);
    const [kill, started] = [new AbortController(), Promise.withResolvers<void>()];
    const ended = fixture.provider.run(container, {
      onStarted: started.resolve,
      stop: never,
      kill: kill.signal,
    });
    await started.promise;
    assert.equal(fixture.provider.limitCpu(container.id, 20), false);
    const before = new Set(await guestProcesses(fixture.folder));
    const stop = new AbortController();
    const { module } = await fixture.guestOf(SPINS);
    const control = { kill: stop.signal, onOutput: () => {} };
    const spinning = fixture.provider.exec({ container, module, argv: ["x"] }, control);
    await until(async () => {
      for (const pid of await guestProcesses(fixture.folder)) {
        if (!before.has(pid) && await stateOf(pid) === "T") return true;
      }
      return false;
    });
    stop.abort();
    assert.equal((await spinning).kind, "killed");
    kill.abort();
    await ended;
  },
});

Deno.test("withFallback() takes the second for whom the first refuses, and tells", async () => {
  const keeper = (how: string, takes: boolean): CpuKeeper & { held: string[] } => {
    const held: string[] = [];
    return {
      how,
      held,
      hold: (id) => {
        if (!takes) return Promise.reject(new Error(`no room for ${id}`));
        held.push(id);
        return Promise.resolve({ [Symbol.asyncDispose]: () => Promise.resolve() });
      },
      change: (id) => held.includes(id),
      close: () => {},
    };
  };
  const [first, second, warnings] = [
    keeper("groups", false),
    keeper("stops", true),
    [] as string[],
  ];
  const both = withFallback(first, second, (message) => warnings.push(message));
  assert.equal(both.how, "groups");
  await both.hold("a", { pid: 1, pause: () => {}, resume: () => {} }, {});
  assert.deepEqual(second.held, ["a"]);
  assert.match(warnings.join(), /^no room for a; it is kept within its CPU limit by stops$/);
  assert.equal(both.change("a", 5), true);
  assert.equal(both.change("b", 5), false);
});
