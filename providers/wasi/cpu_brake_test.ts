import assert from "node:assert/strict";
import type { CpuAlarms } from "./cpu_alarms.ts";
import { CpuBrake } from "./cpu_brake.ts";
import type { CpuClock } from "./cpu_clock.ts";
import { until } from "./testing.ts";

Deno.test("CpuBrake leaves no alarm behind when it is closed, also of who is still held", async () => {
  const said: string[] = [];
  const clock = { usedMs: () => 0, [Symbol.dispose]: () => said.push("clock is gone") };
  const alarms = {
    for: () => ({
      set: () => said.push("set") > 0,
      [Symbol.dispose]: () => said.push("alarm is gone"),
    }),
    [Symbol.dispose]: () => said.push("nobody listens"),
  };
  const brake = new CpuBrake({
    clock: clock as unknown as CpuClock,
    alarms: () => alarms as unknown as CpuAlarms,
    cpus: 2,
  });
  const process = { pid: 1, pause: () => {}, resume: () => {} };
  const held = await brake.hold("a", process, { cpuMillis: 500 });
  await until(() => Promise.resolve(said.includes("set")));
  brake.close();
  brake.close();
  const ends = ["set", "alarm is gone", "nobody listens", "clock is gone"];
  assert.deepEqual(said, ends);
  assert.equal(brake.change("a", 100), false);
  await held[Symbol.asyncDispose]();
  assert.deepEqual(said, ends, "its alarm is gone already");
});
