import assert from "node:assert/strict";
import type { Pod } from "../api/types.ts";
import { amountsOf } from "./amounts.ts";
import { misfit } from "./fit.ts";
import { Ledger } from "./ledger.ts";

const ALLOCATABLE = { cpu: "2", memory: "1Gi", "ephemeral-storage": "10Gi", pods: "3" };
const NODE = {
  allocatable: amountsOf(ALLOCATABLE),
  others: amountsOf({ cpu: "1500m", pods: "2" }),
};

function asking(requests: Record<string, string>): Pod {
  return { spec: { containers: [{ name: "a", resources: { requests } }] } };
}

const CASES: [requests: Record<string, string>, reason: string | undefined, message: string][] = [
  [{}, undefined, ""],
  [{ cpu: "500m", memory: "1Gi" }, undefined, ""],
  [
    { cpu: "501m" },
    "OutOfcpu",
    "Node didn't have enough resource: cpu, requested: 501, used: 1500, capacity: 2000",
  ],
  [
    { memory: "1025Mi" },
    "OutOfmemory",
    "Node didn't have enough resource: memory, requested: 1074790400, used: 0, capacity: 1073741824",
  ],
  [
    { "ephemeral-storage": "11Gi" },
    "OutOfephemeral-storage",
    "Node didn't have enough resource: ephemeral-storage, requested: 11811160064, used: 0, \
capacity: 10737418240",
  ],
  [
    { "hugepages-2Mi": "2Mi" },
    "OutOfhugepages-2Mi",
    "Node didn't have enough resource: hugepages-2Mi, requested: 2097152, used: 0, capacity: 0",
  ],
  [{ "example.com/gpu": "0" }, undefined, ""],
  [
    { "example.com/gpu": "1" },
    "UnexpectedAdmissionError",
    "Allocate failed due to requested number of devices unavailable for example.com/gpu. \
Requested: 1, Available: 0, since this node has no device plugin for it, which is unexpected",
  ],
  // A kubelet's order: cpu before memory, whatever the spec names first.
  [
    { memory: "2Gi", cpu: "3" },
    "OutOfcpu",
    "Node didn't have enough resource: cpu, requested: 3000, used: 1500, capacity: 2000",
  ],
];

for (const [requests, reason, message] of CASES) {
  Deno.test(`misfit() says ${reason ?? "nothing"} of ${JSON.stringify(requests)}`, () => {
    const found = misfit(asking(requests), NODE);
    assert.deepEqual([found?.reason, found?.message ?? ""], [reason, message]);
  });
}

Deno.test("misfit() tells what does not fit now from what never will", () => {
  assert.equal(misfit(asking({ cpu: "1" }), NODE)?.never, false);
  assert.equal(misfit(asking({ cpu: "3" }), NODE)?.never, true);
});

Deno.test("Ledger counts each pod once, until it is released", () => {
  const ledger = new Ledger(ALLOCATABLE);
  assert.equal(ledger.admit("a", asking({ cpu: "1" })), undefined);
  assert.equal(
    ledger.admit("a", asking({ cpu: "2" })),
    undefined,
    "its old request does not count",
  );
  assert.equal(ledger.admit("b", asking({ cpu: "1m" }))?.reason, "OutOfcpu");
  ledger.release("a");
  assert.equal(ledger.admit("b", asking({ cpu: "2" })), undefined);
});

Deno.test("Ledger has room for as many pods as the node takes, and keeps those that run", () => {
  const ledger = new Ledger({ pods: "1" });
  ledger.keep("a", asking({}));
  const found = ledger.admit("b", asking({}));
  assert.deepEqual([found?.reason, found?.message], [
    "OutOfpods",
    "Node didn't have enough resource: pods, requested: 1, used: 1, capacity: 1",
  ]);
  ledger.keep("b", asking({ cpu: "1" }));
  ledger.release("a");
  assert.equal(ledger.admit("c", asking({}))?.reason, "OutOfpods");
});

Deno.test("Ledger gives a port of the node to one pod at a time, and resources come first", () => {
  const ledger = new Ledger(ALLOCATABLE);
  const withPort = (hostPort: number, cpu = "0"): Pod => ({
    spec: {
      containers: [{
        name: "a",
        ports: [{ containerPort: 80, hostPort }],
        resources: { requests: { cpu } },
      }],
    },
  });
  assert.equal(ledger.admit("a", withPort(8080)), undefined);
  assert.equal(ledger.admit("a", withPort(8080)), undefined, "it is its own");
  const found = ledger.admit("b", withPort(8080));
  assert.deepEqual([found?.reason, found?.message], [
    "NodePorts",
    "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
  ]);
  assert.equal(ledger.admit("b", withPort(8080, "5"))?.reason, "OutOfcpu");
  assert.equal(ledger.admit("b", withPort(8081)), undefined);
  ledger.release("a");
  assert.equal(ledger.admit("c", withPort(8080)), undefined);
});
