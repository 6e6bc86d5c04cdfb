import assert from "node:assert/strict";
import { HOUR_MS, WallClock } from "../_wall_clock.ts";
import { probeForever } from "./prober.ts";

const TIMES = {
  initialDelayMs: 0,
  periodMs: 20,
  timeoutMs: 1_000,
  successThreshold: 1,
  failureThreshold: 3,
};

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
    signal: AbortSignal.timeout(10_000),
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
