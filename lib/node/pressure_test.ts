import assert from "node:assert/strict";
import type { MachineUsage } from "./machine.ts";
import { decidePressures, PRESSURE_TRANSITION_MS } from "./pressure.ts";

const MIB = 1024 * 1024;
const PLENTY: MachineUsage = {
  memoryAvailableBytes: 1_000 * MIB,
  diskBytes: 1_000 * MIB,
  diskAvailableBytes: 500 * MIB,
  inodes: 1_000,
  inodesFree: 500,
  pids: 100,
  pidsMax: 32_768,
};

Deno.test("decidePressures() follows a kubelet's thresholds", () => {
  const cases: [Partial<MachineUsage>, string[]][] = [
    [{}, []],
    [{ memoryAvailableBytes: 100 * MIB }, []],
    [{ memoryAvailableBytes: 100 * MIB - 1 }, ["memory"]],
    [{ diskAvailableBytes: 100 * MIB }, []],
    [{ diskAvailableBytes: 100 * MIB - 1 }, ["disk"]],
    [{ inodesFree: 49 }, ["disk"]],
    [{ inodes: undefined, inodesFree: undefined }, []],
    [{ pids: 31_200 }, ["pid"]],
    [{ pids: 31_200, pidsMax: undefined }, []],
  ];
  for (const [change, expected] of cases) {
    const { pressures } = decidePressures(
      { ...PLENTY, ...change },
      { seen: {}, nowMs: 0 },
    );
    const found = Object.entries(pressures).filter(([, is]) => is).map(([name]) => name);
    assert.deepEqual(found, expected, JSON.stringify(change));
  }
});

Deno.test("decidePressures() lets a pressure go five minutes after it was last seen", () => {
  const short = { ...PLENTY, memoryAvailableBytes: 0 };
  const first = decidePressures(short, { seen: {}, nowMs: 0 });
  const again = decidePressures(short, { seen: first.seen, nowMs: 1_000 });
  const later = decidePressures(PLENTY, { seen: again.seen, nowMs: PRESSURE_TRANSITION_MS + 999 });
  assert.equal(later.pressures.memory, true);
  const over = decidePressures(PLENTY, { seen: later.seen, nowMs: PRESSURE_TRANSITION_MS + 1_000 });
  assert.equal(over.pressures.memory, false);
  assert.deepEqual(over.seen, {});
});
