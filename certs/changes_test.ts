import assert from "node:assert/strict";
import { mock } from "node:test";
import { Changes, LOOK_PAUSE_MS } from "./changes.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { CertificateRequests } from "./csr_request.ts";

const SIGNAL = new AbortController().signal;

/** Long sleeps last until they are aborted: only a watch can end the wait. */
function patientClock(): Clock & { readonly sleeps: number[] } {
  const sleeps: number[] = [];
  return {
    sleeps,
    nowMs: () => 0,
    sleep: (ms, signal) => {
      sleeps.push(ms);
      if (ms <= LOOK_PAUSE_MS || signal.aborted) return Promise.resolve();
      return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
    },
  };
}

function watched(watch: NonNullable<CertificateRequests["watch"]>): CertificateRequests {
  const never = (): never => assert.fail("only the watch is used");
  return { create: never, get: never, watch };
}

Deno.test("wait() ends when the watch says that there is news", async () => {
  const names: string[] = [];
  const requests = watched(async function* (name): AsyncGenerator<string> {
    names.push(name);
    yield await Promise.resolve("news");
  });
  using changes = new Changes(requests, patientClock());
  await changes.wait("a", 10_000, SIGNAL);
  await changes.wait("a", 10_000, SIGNAL);
  assert.deepEqual(names, ["a", "a"], "a watch that ended is opened again");
});

Deno.test("wait() pauses before each look, so that a chattering watch costs little", async () => {
  const ended = Promise.withResolvers<void>();
  const requests = watched(async function* (_name, signal): AsyncGenerator<string> {
    try {
      while (!signal.aborted) {
        await new Promise((resolve) => setTimeout(resolve, 0));
        yield "news";
      }
    } finally {
      ended.resolve();
    }
  });
  const clock = patientClock();
  {
    using changes = new Changes(requests, clock);
    await changes.wait("a", 10_000, SIGNAL);
    await changes.wait("a", 10_000, SIGNAL);
  }
  await ended.promise;
  assert.equal(clock.sleeps.filter((ms) => ms === LOOK_PAUSE_MS).length, 2);
});

Deno.test("wait() goes by the clock when the watch is broken, silent or absent", async () => {
  const never = (): never => assert.fail("not used");
  const aborted = Promise.withResolvers<void>();
  const kinds: CertificateRequests[] = [
    { create: never, get: never },
    watched(async function* (): AsyncGenerator<never> {
      yield* [];
      await Promise.reject(new Error("403"));
    }),
    watched(async function* (_name, signal): AsyncGenerator<never> {
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      aborted.resolve();
      yield* [];
    }),
  ];
  for (const requests of kinds) {
    const slept: number[] = [];
    using changes = new Changes(requests, {
      nowMs: () => 0,
      sleep: (ms) => {
        slept.push(ms);
        return Promise.resolve();
      },
    });
    await changes.wait("a", 10_000, SIGNAL);
    assert.deepEqual(slept, [LOOK_PAUSE_MS, 10_000 - LOOK_PAUSE_MS]);
  }
  await aborted.promise; // the dispose ended the silent watch
});

Deno.test("systemClock.sleep() ends after its time, and at once on the signal", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    let over = false;
    const sleep = systemClock.sleep(1_000, SIGNAL).then(() => over = true);
    mock.timers.tick(999);
    await Promise.resolve();
    assert.equal(over, false);
    mock.timers.tick(1);
    await sleep;
    const stop = new AbortController();
    const cut = systemClock.sleep(1_000, stop.signal);
    stop.abort();
    await cut;
    await systemClock.sleep(1_000, stop.signal);
  } finally {
    mock.timers.reset();
  }
});
