import assert from "node:assert/strict";
import fc from "fast-check";
import { type CpuAccount, look, openAccount } from "./cpu_budget.ts";
import { CPU_IDLE_LOOK_MS, CPU_PAUSE_MS_MAX, CPU_PERIOD_MS } from "./limits.ts";

/** What a guest of so many busy threads gets, if each look comes `lateMs()` late. */
function simulate(
  share: number,
  { threads, cpus = 8, forMs, lateMs = () => 0 }: {
    readonly threads: (nowMs: number) => number;
    readonly cpus?: number;
    readonly forMs: number;
    readonly lateMs?: () => number;
  },
): { usedMs: number; looks: number; longestRestMs: number } {
  let account: CpuAccount = openAccount(share, 0);
  let [usedMs, looks, longestRestMs, restMs] = [0, 0, 0, 0];
  for (let nowMs = 0; nowMs < forMs; looks++) {
    const nextMs = account.nextMs + lateMs();
    const used = account.resting ? 0 : threads(nowMs) * (nextMs - nowMs);
    restMs = account.resting ? restMs + nextMs - nowMs : 0;
    longestRestMs = Math.max(longestRestMs, restMs);
    usedMs += used;
    nowMs = nextMs;
    account = look(account, { nowMs, usedMs: used, cpus });
  }
  return { usedMs, looks, longestRestMs };
}

const busy = (): number => 1;

Deno.test("look() gives a guest that computes all the time its share, in rests that end soon", () => {
  for (const share of [0.01, 0.05, 0.25, 0.5, 0.9]) {
    const { usedMs, longestRestMs } = simulate(share, { threads: busy, forMs: 20_000 });
    const rate = usedMs / 20_000;
    assert.ok(rate > share * 0.9 && rate < share * 1.05 + 0.001, `${share}: ${rate}`);
    assert.ok(longestRestMs < 3 * CPU_PERIOD_MS, `${share}: ${longestRestMs}`);
  }
});

Deno.test("look() holds several threads together to their share, beyond one CPU as well", () => {
  for (const share of [0.5, 1.5, 3]) {
    const { usedMs } = simulate(share, { threads: () => 4, forMs: 20_000 });
    const rate = usedMs / 20_000;
    assert.ok(rate > share * 0.9 && rate < share * 1.05, `${share}: ${rate}`);
  }
});

Deno.test("look() makes up for looks that come late: the share holds on the average", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(0.05, 0.1, 0.25, 0.5, 1.5),
      fc.integer({ min: 1, max: 3 }),
      fc.infiniteStream(fc.integer({ min: 0, max: 40 })),
      (share, threads, late) => {
        const lateMs = (): number => late.next().value ?? 0;
        const { usedMs } = simulate(share, { threads: () => threads, forMs: 30_000, lateMs });
        // But for what is used at the very beginning and end, which is not made up for yet.
        assert.ok(usedMs <= share * 30_000 + 2 * threads * CPU_IDLE_LOOK_MS.max, String(usedMs));
      },
    ),
    { numRuns: 50 },
  );
});

Deno.test("look() lets a guest alone that stays below its share, and looks at a sleeping one rarely", () => {
  const modest = simulate(0.5, { threads: () => 0.4, forMs: 20_000 });
  assert.equal(modest.longestRestMs, 0);
  const asleep = simulate(0.25, { threads: () => 0, forMs: 20_000 });
  assert.ok(asleep.looks <= 90, String(asleep.looks));
  assert.equal(asleep.longestRestMs, 0);
});

Deno.test("look() does not save up what a sleeping guest leaves", () => {
  const account = openAccount(0.25, 0);
  const slept = look(account, { nowMs: 60_000, usedMs: 0, cpus: 8 });
  assert.equal(slept.balanceMs, 0.25 * CPU_PERIOD_MS);
});

Deno.test("look() lets nobody rest longer than the longest rest, whatever was used", () => {
  const account = openAccount(0.1, 0);
  const spent = look(account, { nowMs: 60_000, usedMs: 60_000, cpus: 8 });
  assert.equal(spent.resting, true);
  assert.ok(spent.nextMs - 60_000 <= CPU_PAUSE_MS_MAX + CPU_PERIOD_MS, String(spent.nextMs));
});
