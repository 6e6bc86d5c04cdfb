import assert from "node:assert/strict";
import type { ContainerStateTerminated, RestartPolicy } from "../api/types.ts";
import { kubeTime } from "../time.ts";
import { type Backoff, decideRestart } from "./decide.ts";

const NOW = Date.parse("2026-11-21T12:00:00Z");

function ended(
  exitCode: number,
  options: { ranMs?: number; reason?: string } = {},
): ContainerStateTerminated {
  return {
    exitCode,
    reason: options.reason ?? "Error",
    startedAt: kubeTime(NOW - (options.ranMs ?? 1000)),
    finishedAt: kubeTime(NOW),
  };
}

Deno.test("decideRestart() honours the restart policy", () => {
  const table: [RestartPolicy, number, "start" | "leave"][] = [
    ["Always", 0, "start"],
    ["Always", 3, "start"],
    ["OnFailure", 0, "leave"],
    ["OnFailure", 3, "start"],
    ["Never", 0, "leave"],
    ["Never", 3, "leave"],
  ];
  for (const [policy, exitCode, expected] of table) {
    const seen = { policy, ended: ended(exitCode), attempt: 0, backoff: undefined, nowMs: NOW };
    assert.equal(decideRestart(seen).do, expected, `${policy} after ${exitCode}`);
  }
});

Deno.test("decideRestart() pauses 0, 10, 20, 40, 80, 160, 300, 300 seconds", () => {
  const pauses: number[] = [];
  let backoff: Backoff | undefined;
  for (let attempt = 0; attempt < 8; attempt++) {
    const decision = decideRestart({
      policy: "Always",
      ended: ended(1),
      attempt,
      backoff,
      nowMs: NOW,
    });
    assert.equal(decision.do, "start");
    backoff = decision.do === "start" ? decision.backoff : undefined;
    assert.equal(backoff?.untilMs, NOW + (backoff?.ms ?? 0));
    pauses.push((backoff?.ms ?? NaN) / 1000);
  }
  assert.deepEqual(pauses, [0, 10, 20, 40, 80, 160, 300, 300]);
});

Deno.test("decideRestart() keeps to a pause that was planned before, also by another agent", () => {
  const backoff = { attempt: 4, ms: 80_000, untilMs: NOW + 1234 };
  const seen = { policy: "Always", ended: ended(1), attempt: 4, backoff, nowMs: NOW } as const;
  assert.deepEqual(decideRestart(seen), { do: "start", backoff });
});

Deno.test("decideRestart() forgets the back-off after ten minutes of health", () => {
  const backoff = { attempt: 4, ms: 300_000, untilMs: 0 };
  const run = (ranMs: number) =>
    decideRestart({
      policy: "Always",
      ended: ended(1, { ranMs }),
      attempt: 5,
      backoff,
      nowMs: NOW,
    });
  assert.deepEqual(run(600_000), { do: "start", backoff: { attempt: 5, ms: 0, untilMs: NOW } });
  assert.deepEqual(run(599_000), {
    do: "start",
    backoff: { attempt: 5, ms: 300_000, untilMs: NOW + 300_000 },
  });
});

Deno.test("decideRestart() does not count the agent's own restart against the guest", () => {
  const lost = ended(137, { reason: "ContainerStatusUnknown" });
  const backoff = { attempt: 1, ms: 160_000, untilMs: 0 };
  const seen = { policy: "Always", ended: lost, attempt: 2, backoff, nowMs: NOW } as const;
  assert.deepEqual(decideRestart(seen), { do: "start" });
  assert.deepEqual(decideRestart({ ...seen, policy: "Never" }), { do: "leave" });
});

Deno.test("decideRestart() believes what was measured before what the times say", () => {
  const backoff = { attempt: 4, ms: 300_000, untilMs: 0 };
  const pause = (saysMs: number, ranMs: number): number | undefined => {
    const said = ended(1, { ranMs: saysMs });
    const seen = { policy: "Always", ended: said, ranMs, attempt: 5, backoff, nowMs: NOW } as const;
    const decision = decideRestart(seen);
    return decision.do === "start" ? decision.backoff?.ms : undefined;
  };
  assert.equal(pause(3_600_000, 1_000), 300_000, "the clock was set forward meanwhile");
  assert.equal(pause(-3_000_000, 600_000), 0, "the clock was set back meanwhile");
});

Deno.test("decideRestart() does not count a run that ended with its agent, whatever its code", () => {
  const seen = { policy: "Always" as const, attempt: 1, excused: true, nowMs: NOW };
  const backoff = { attempt: 0, ms: 10_000, untilMs: NOW };
  for (const exitCode of [0, 3, 137]) {
    for (const before of [undefined, backoff]) {
      const decision = decideRestart({ ...seen, ended: ended(exitCode), backoff: before });
      assert.deepEqual(decision, { do: "start" });
    }
  }
  const never = decideRestart({ ...seen, policy: "Never", ended: ended(0), backoff: undefined });
  assert.equal(never.do, "leave");
});
