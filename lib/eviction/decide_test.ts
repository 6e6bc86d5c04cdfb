import assert from "node:assert/strict";
import type { PodSpec } from "../api/types.ts";
import { turnedAway } from "./admission.ts";
import { overLimit } from "./local_storage.ts";
import { lowMessage } from "./messages.ts";
import { decidePressure, NO_PRESSURE, type Observations, type Shortage } from "./pressure.ts";
import { type Candidate, rank } from "./rank.ts";
import { EVICTION_HARD_DEFAULT, parseGraces, parseThresholds } from "../thresholds.ts";

const MI = 2 ** 20;
const RULES = {
  thresholds: parseThresholds(EVICTION_HARD_DEFAULT),
  minimumReclaim: {},
  transitionMs: 300_000,
};

Deno.test("parseThresholds() reads amounts and shares, and switches off at 0", () => {
  assert.deepEqual(
    parseThresholds({
      "memory.available": "1Gi",
      "nodefs.available": "12.5%",
      "imagefs.available": "0",
    }),
    { "memory.available": { units: 2 ** 30 }, "nodefs.available": { share: 0.125 } },
  );
  assert.deepEqual(parseThresholds({ "nodefs.inodesFree": "0%" }), {});
});

for (
  const [name, text] of [["cpu", "1"], ["memory.available", "-1Mi"], ["nodefs.available", "101%"]]
) {
  Deno.test(`parseThresholds() refuses ${name}<${text}`, () => {
    assert.throws(() => parseThresholds({ [name!]: text! }), RangeError);
  });
}

const SHORT: [seen: Observations, met: string[], shortages: Shortage[]][] = [
  [{}, [], []],
  [{ "memory.available": { available: 100 * MI, capacity: 1000 * MI } }, [], []],
  [
    { "memory.available": { available: 100 * MI - 1, capacity: 1000 * MI } },
    ["memory.available"],
    ["memory"],
  ],
  [
    { "nodefs.available": { available: 9, capacity: 100 } },
    ["nodefs.available"],
    ["disk"],
  ],
  [{ "imagefs.available": { available: 14, capacity: 100 } }, ["imagefs.available"], ["disk"]],
  [{ "pid.available": { available: 5, capacity: 100 } }, [], []],
  [{ "pid.available": { available: 4, capacity: 100 } }, ["pid.available"], ["pid"]],
  [
    {
      "nodefs.inodesFree": { available: 0, capacity: 100 },
      "memory.available": { available: 0, capacity: 100 },
    },
    ["memory.available", "nodefs.inodesFree"],
    ["memory", "disk"],
  ],
];

for (const [seen, met, shortages] of SHORT) {
  Deno.test(`decidePressure() finds ${met.join(" and ") || "nothing"} in ${JSON.stringify(seen)}`, () => {
    const found = decidePressure(seen, { rules: RULES, before: NO_PRESSURE, nowMs: 0 });
    assert.deepEqual(found.met.map(({ signal }) => signal), met);
    assert.deepEqual([...found.shortages], shortages);
  });
}

Deno.test("decidePressure() tells of a shortage for the transition period, and evicts no longer", () => {
  const low = { "nodefs.available": { available: 9, capacity: 100 } };
  const well = { "nodefs.available": { available: 10, capacity: 100 } };
  const first = decidePressure(low, { rules: RULES, before: NO_PRESSURE, nowMs: 0 });
  const second = decidePressure(well, { rules: RULES, before: first.state, nowMs: 299_999 });
  assert.deepEqual([second.met, [...second.shortages]], [[], ["disk"]]);
  const third = decidePressure(well, { rules: RULES, before: second.state, nowMs: 300_000 });
  assert.deepEqual([...third.shortages], []);
});

Deno.test("decidePressure() reclaims more than the threshold once it was met, and not before", () => {
  const rules = { ...RULES, minimumReclaim: parseThresholds({ "nodefs.available": "5%" }) };
  const seen = (available: number): Observations => ({
    "nodefs.available": { available, capacity: 100 },
  });
  const before = decidePressure(seen(12), { rules, before: NO_PRESSURE, nowMs: 0 });
  assert.deepEqual(before.met, []);
  const low = decidePressure(seen(9), { rules, before: before.state, nowMs: 1 });
  const still = decidePressure(seen(14), { rules, before: low.state, nowMs: 2 });
  assert.deepEqual(still.met, [{
    signal: "nodefs.available",
    severity: "hard",
    threshold: 10,
    available: 14,
  }]);
  assert.deepEqual(decidePressure(seen(15), { rules, before: still.state, nowMs: 3 }).met, []);
});

Deno.test("decidePressure() tells of a soft threshold at once, and evicts when its time is over", () => {
  const rules = {
    ...RULES,
    thresholds: parseThresholds({ "memory.available": "10%" }),
    soft: {
      thresholds: parseThresholds({ "memory.available": "20%", "nodefs.available": "20%" }),
      graceMs: parseGraces({ "memory.available": "1m30s", "nodefs.available": "5m" }),
    },
  };
  let before = NO_PRESSURE;
  const at = (nowMs: number, memory: number): { met: string[]; short: string[] } => {
    const seen = { available: memory, capacity: 100 };
    const found = decidePressure({ "memory.available": seen }, { rules, before, nowMs });
    before = found.state;
    const met = found.met.map(({ severity, threshold }) => `${severity} ${threshold}`);
    return { met, short: [...found.shortages] };
  };
  assert.deepEqual(at(0, 19), { met: [], short: ["memory"] });
  assert.deepEqual(at(89_999, 19), { met: [], short: ["memory"] });
  assert.deepEqual(at(90_000, 19), { met: ["soft 20"], short: ["memory"] });
  assert.deepEqual(at(90_001, 9), { met: ["hard 10", "soft 20"], short: ["memory"] });
  assert.deepEqual(at(90_002, 20), { met: [], short: ["memory"] }, "its time begins anew");
  assert.deepEqual(at(90_003, 19), { met: [], short: ["memory"] });
});

Deno.test("decidePressure() reclaims nothing for a soft threshold whose time has not come", () => {
  const rules = {
    ...RULES,
    thresholds: {},
    minimumReclaim: parseThresholds({ "memory.available": "5%" }),
    soft: {
      thresholds: parseThresholds({ "memory.available": "20%" }),
      graceMs: parseGraces({ "memory.available": "1m" }),
    },
  };
  let before = NO_PRESSURE;
  const at = (nowMs: number, memory: number): number => {
    const seen = { "memory.available": { available: memory, capacity: 100 } };
    const found = decidePressure(seen, { rules, before, nowMs });
    before = found.state;
    return found.met.length;
  };
  const dip = [at(0, 19), at(10_000, 22), at(60_000, 22), at(70_000, 19), at(129_999, 19)];
  assert.deepEqual(dip, [0, 0, 0, 0, 0], "a moment below it is no shortage of a minute");
  assert.deepEqual([at(130_000, 19), at(140_000, 24), at(150_000, 25)], [1, 1, 0]);
});

Deno.test("rank() takes the unknown, then those beyond their requests, then priority, then the excess", () => {
  const pod = (
    uid: string,
    priority: number,
    usage: number | undefined,
    request: number,
  ): Candidate => ({
    uid,
    priority,
    usage,
    request,
  });
  const ranked = rank([
    pod("modest, less important", -5, 10, 100),
    pod("modest", 0, 99, 100),
    pod("greedy, important", 9, 500, 0),
    pod("greedy", 0, 110, 100),
    pod("greedier", 0, 60, 20),
    pod("endless", 0, Infinity, 0),
    pod("endless too", 0, Infinity, 0),
    pod("unknown", 100, undefined, 0),
  ]);
  assert.deepEqual(ranked.map(({ uid }) => uid), [
    "unknown",
    "endless",
    "endless too",
    "greedier",
    "greedy",
    "greedy, important",
    "modest, less important",
    "modest",
  ]);
});

Deno.test("lowMessage() speaks as a kubelet", () => {
  const met = {
    signal: "memory.available",
    severity: "hard",
    threshold: 100 * MI,
    available: 99 * MI + 5,
  } as const;
  assert.equal(
    lowMessage(met, [{ name: "app", usage: 300 * MI, request: 0 }]),
    "The node was low on resource: memory. Threshold quantity: 100Mi, available: 101376Ki. \
Container app was using 300Mi, request is 0, has larger consumption of memory. ",
  );
  assert.equal(
    lowMessage({ signal: "imagefs.inodesFree", severity: "hard", threshold: 50, available: 3 }),
    "The node was low on resource: inodes. Threshold quantity: 50, available: 3. ",
  );
});

const LIMITED: PodSpec = {
  containers: [
    { name: "a", resources: { limits: { "ephemeral-storage": "4Mi" } } },
    { name: "b", resources: { limits: { "ephemeral-storage": "4096Ki" } } },
  ],
  volumes: [
    { name: "small", emptyDir: { sizeLimit: "1Mi" } },
    { name: "ram", emptyDir: { medium: "Memory" } },
    { name: "open", emptyDir: { sizeLimit: "0" } },
  ],
};
const DISK: [a: number, b: number, volumes: [string, number][], message: string | undefined][] = [
  [4 * MI, 4 * MI, [], undefined],
  [0, 0, [["small", MI]], undefined],
  [0, 0, [["small", MI + 1]], undefined], // its own limit is the volume's matter
  [0, 0, [["ram", 90 * MI], ["open", 8 * MI]], undefined],
  [
    4 * MI,
    4 * MI,
    [["open", 1]],
    "Pod ephemeral local storage usage exceeds the total limit of containers 8Mi. ",
  ],
  [0, 4 * MI + 1, [], 'Container b exceeded its local ephemeral storage limit "4Mi". '],
];
for (const [a, b, volumes, message] of DISK) {
  Deno.test(`overLimit() says ${message ?? "nothing"} of ${[a, b, ...volumes]}`, () => {
    const containers = new Map([["a", a], ["b", b]]);
    const usage = { containers, volumes: new Map(volumes), whole: true };
    assert.equal(overLimit({ spec: LIMITED }, usage), message);
  });
}

Deno.test("overLimit() lets a pod without limits have what it wants", () => {
  const usage = { containers: new Map([["a", 2 ** 40]]), volumes: new Map(), whole: false };
  assert.equal(overLimit({ spec: { containers: [{ name: "a" }] } }, usage), undefined);
});

Deno.test("overLimit() takes what nobody can count for more than any limit", () => {
  const usage = { containers: new Map([["a", 1]]), volumes: new Map(), whole: false };
  assert.match(overLimit({ spec: LIMITED }, usage) ?? "", /^Pod ephemeral .* containers 8Mi\. $/);
});

const TURNED: [
  what: string,
  spec: Partial<PodSpec>,
  short: Shortage[],
  bestEffort: boolean,
  reason: string,
][] = [
  ["any pod while nothing is short", {}, [], true, ""],
  ["a pod that asks for nothing, when memory is short", {}, ["memory"], true, "MemoryPressure"],
  ["a pod that asks for something, when memory is short", {}, ["memory"], false, ""],
  [
    "a pod that puts up with it",
    {
      tolerations: [{
        key: "node.kubernetes.io/memory-pressure",
        operator: "Exists",
        effect: "NoSchedule",
      }],
    },
    ["memory"],
    true,
    "",
  ],
  [
    "a pod that puts up with something else",
    {
      tolerations: [{ key: "x", operator: "Exists" }],
    },
    ["memory"],
    true,
    "MemoryPressure",
  ],
  ["a pod that asks for something, when the disk is full", {}, ["disk"], false, "DiskPressure"],
  ["any pod when all is short", {}, ["memory", "disk"], false, "MemoryPressure DiskPressure"],
  ["a critical pod", { priority: 2_000_000_000 }, ["memory", "disk"], true, ""],
];
for (const [what, spec, short, bestEffort, condition] of TURNED) {
  Deno.test(`turnedAway() ${condition === "" ? "takes" : "refuses"} ${what}`, () => {
    const pod = { spec: { containers: [], ...spec } };
    const found = turnedAway(pod, { shortages: new Set(short), bestEffort });
    assert.equal(
      found?.message,
      condition === "" ? undefined : `The node had condition: [${condition}]. `,
    );
    assert.equal(found?.reason, condition === "" ? undefined : "Evicted");
  });
}
