import assert from "node:assert/strict";
import { choosePreempted, mayPreempt, type Preemptable } from "./preempt.ts";

const CRITICAL = 2_000_000_000;

function pod(uid: string, qos: Preemptable["qos"], cpu: number, memory = 0): Preemptable {
  const amounts = new Map([["cpu", BigInt(cpu)], ["memory", BigInt(memory)], ["pods", 1n]]);
  return { uid, qos, amounts };
}

function chosen(missing: Record<string, number>, pods: readonly Preemptable[]): string[] | "none" {
  const amounts = new Map(Object.entries(missing).map(([name, amount]) => [name, BigInt(amount)]));
  return choosePreempted(amounts, pods)?.map(({ uid }) => uid) ?? "none";
}

Deno.test("mayPreempt() lets critical pods drive away those of less priority", () => {
  const of = (priority: number) => ({ spec: { containers: [], priority } });
  assert.equal(mayPreempt(of(CRITICAL), of(CRITICAL - 1)), true);
  assert.equal(mayPreempt(of(CRITICAL), {}), true);
  assert.equal(mayPreempt(of(CRITICAL), of(CRITICAL)), false);
  assert.equal(mayPreempt(of(CRITICAL + 1000), of(CRITICAL)), true);
  assert.equal(mayPreempt(of(CRITICAL - 1), of(0)), false);
});

Deno.test("choosePreempted() takes the pod that comes nearest, and of those that suffice the smallest", () => {
  const pods = [
    pod("small", "Burstable", 100),
    pod("huge", "Burstable", 900),
    pod("fits", "Burstable", 300),
  ];
  assert.deepEqual(chosen({ cpu: 250 }, pods), ["fits"]);
  assert.deepEqual(chosen({ cpu: 1000 }, pods), ["huge", "small"]);
  assert.deepEqual(chosen({ cpu: 1300 }, pods), ["huge", "fits", "small"]);
  assert.equal(chosen({ cpu: 1301 }, pods), "none");
});

Deno.test("choosePreempted() spares the higher classes as long as the lower ones suffice", () => {
  const pods = [
    pod("guaranteed", "Guaranteed", 500, 500),
    pod("burstable", "Burstable", 300, 300),
    pod("nothing", "BestEffort", 0),
  ];
  assert.deepEqual(chosen({ pods: 1 }, pods), ["nothing"]);
  assert.deepEqual(chosen({ cpu: 300 }, pods), ["burstable"]);
  assert.deepEqual(chosen({ cpu: 400 }, pods), ["guaranteed"]);
  assert.deepEqual(chosen({ cpu: 600, pods: 1 }, pods), ["guaranteed", "burstable"]);
  assert.equal(chosen({ "example.com/gpu": 1 }, pods), "none");
});

Deno.test("choosePreempted() weighs resources by their shares of what is missing", () => {
  const pods = [pod("cpu", "Burstable", 100, 0), pod("both", "Burstable", 90, 900_000)];
  assert.deepEqual(chosen({ cpu: 100, memory: 1_000_000 }, pods), "none");
  assert.deepEqual(chosen({ cpu: 90, memory: 900_000 }, pods), ["both"]);
});
