import assert from "node:assert/strict";
import { HOUR_MS, WallClock } from "../_wall_clock.ts";
import type { Outcome } from "./outcome.ts";
import { probeForever } from "./prober.ts";
import { probeTimes } from "./spec.ts";

const TIMES = {
  initialDelayMs: 0,
  periodMs: 20,
  timeoutMs: 1_000,
  successThreshold: 1,
  failureThreshold: 3,
};

const GOOD: Outcome = { result: "success", message: "" };
/** Timers are a little early at times, as they count whole milliseconds. */
const EARLY_MS = 5;

const unexpected = (): never => assert.fail("is not called");

/** How long it takes until so many attempts were made, in ms. */
async function probe(
  attempts: number,
  { times = TIMES, onAsk = (): void => {} }: {
    readonly times?: typeof TIMES;
    readonly onAsk?: (count: number) => void;
  },
): Promise<number> {
  const fromMs = performance.now();
  let count = 0;
  await probeForever({
    times,
    startedMs: fromMs,
    ask: () => {
      onAsk(++count);
      return Promise.resolve({ result: "success", message: "" });
    },
    onTrouble: () => {},
    onBelieved: () => count < attempts,
    signal: AbortSignal.timeout(60_000),
  });
  assert.equal(count, attempts, "it went on");
  return performance.now() - fromMs;
}

Deno.test("probeForever() goes on at its pace when somebody sets the clock", async () => {
  for (const jump of [HOUR_MS, -HOUR_MS]) {
    using clock = new WallClock();
    const tookMs = await probe(4, { onAsk: (count) => count === 1 && clock.jump(jump) });
    assert.ok(tookMs >= 55, `three periods passed in ${tookMs} ms`);
  }
});

Deno.test("probeForever() waits before it asks first, though the clock is set forward", async () => {
  using clock = new WallClock();
  const probing = probe(1, { times: { ...TIMES, initialDelayMs: 100 } });
  clock.jump(HOUR_MS);
  assert.ok(await probing >= 95);
});

Deno.test("probeForever() waits its initial delay, and then a period from one question to the next", async () => {
  const times = { ...probeTimes({}), initialDelayMs: 150, periodMs: 60 };
  const startedMs = performance.now();
  const asked: number[] = [];
  await probeForever({
    times,
    startedMs,
    ask: () => {
      asked.push(performance.now() - startedMs);
      return Promise.resolve(GOOD);
    },
    onTrouble: unexpected,
    onBelieved: () => asked.length < 3,
    signal: new AbortController().signal,
  });
  assert.equal(asked.length, 3);
  for (const [number, atMs] of asked.entries()) {
    assert.ok(atMs >= 150 + number * 60 - EARLY_MS, asked.join());
  }
});

Deno.test("probeForever() asks three times at once what cannot be asked, and believes nothing of it", async () => {
  const answers: Outcome["result"][] = ["error", "error", "error", "error", "failure"];
  const troubles: string[] = [];
  const believed: string[] = [];
  await probeForever({
    times: { ...probeTimes({ failureThreshold: 1 }), periodMs: 1 },
    startedMs: performance.now(),
    ask: () => Promise.resolve({ result: answers.shift() ?? assert.fail(), message: "" }),
    onTrouble: ({ result }) => void troubles.push(`${result}, ${answers.length} left`),
    onBelieved: (answer) => {
      believed.push(answer);
      return false;
    },
    signal: new AbortController().signal,
  });
  assert.deepEqual(troubles, ["error, 2 left", "failure, 0 left"]);
  assert.deepEqual(believed, ["failure"]);
});

Deno.test("probeForever() ends with its signal, whatever it waits for", async () => {
  const stop = new AbortController();
  const options = {
    times: { ...probeTimes({}), initialDelayMs: 600_000 },
    startedMs: performance.now(),
    onTrouble: unexpected,
    onBelieved: unexpected,
    signal: stop.signal,
  };
  const waiting = probeForever({ ...options, ask: unexpected });
  const asking = probeForever({
    ...options,
    times: probeTimes({}),
    ask: (signal) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
        stop.abort();
      }),
  });
  await Promise.all([waiting, asking]);
});
