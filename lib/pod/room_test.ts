import assert from "node:assert/strict";
import { Ledger } from "../resources/ledger.ts";
import { podOf, World } from "./_world.ts";
import { lackOfRoom } from "./admission.ts";
import { newRecord } from "./record.ts";

/** A container `app` that asks for this much of one CPU. */
function asking(guest: string, cpu: string): { containers: object[] } {
  return { containers: [{ name: "app", image: guest, resources: { requests: { cpu } } }] };
}

Deno.test("PodManager fails a pod that has no room, and takes the next when there is some", async () => {
  await using world = await World.open();
  world.ledger = new Ledger({ cpu: "1", pods: "10" });
  const agent = world.agent();
  const first = podOf("polite", { name: "first", spec: asking("polite", "800m") });
  agent.apply(first);
  await world.phase("first", "Running");
  agent.apply(podOf("ok", { name: "second", spec: asking("ok", "300m") }));
  await world.phase("second", "Failed");
  const { reason, message } = world.status("second");
  assert.equal(reason, "OutOfcpu");
  assert.equal(
    message,
    "Pod was rejected: Node didn't have enough resource: cpu, requested: 300, used: 800, capacity: 1000",
  );
  assert.equal(world.runs.length, 1, "nothing of it has run");
  agent.apply({ ...first, metadata: { ...first.metadata!, deletionTimestamp: "now" } });
  await world.eventually("the first pod is gone", () => world.released.includes("first"));
  agent.remove(first);
  agent.apply(podOf("ok", { name: "third", spec: asking("ok", "300m") }));
  await world.phase("third", "Succeeded");
  await agent.shutdown(0);
});

Deno.test("PodManager counts no pod that has ended", async () => {
  await using world = await World.open();
  world.ledger = new Ledger({ pods: "1" });
  const agent = world.agent();
  for (const name of ["a", "b", "c"]) {
    agent.apply(podOf("ok", { name }));
    await world.phase(name, "Succeeded");
  }
  await agent.shutdown(0);
});

Deno.test("PodManager goes on with a pod that ran before, though the node has shrunk", async () => {
  await using world = await World.open();
  world.ledger = new Ledger({ cpu: "1", pods: "2" });
  const pod = podOf("polite", { spec: { ...asking("polite", "1"), restartPolicy: "Always" } });
  const before = world.agent();
  before.apply(pod);
  await world.phase("web", "Running");
  await before.shutdown(0);
  world.ledger = new Ledger({ cpu: "500m", pods: "2" });
  const after = world.agent();
  after.apply(pod);
  await world.eventually("it runs again", () => world.runs.length === 2);
  await world.phase("web", "Running");
  await after.shutdown(0);
});

Deno.test("lackOfRoom() drives away no pod of this machine's own", () => {
  const pod = podOf("ok", { spec: asking("ok", "800m") });
  const services = { ledger: new Ledger({ cpu: "100m", pods: "1" }) };
  const found = (own: boolean): string | undefined =>
    lackOfRoom(pod, { record: newRecord(pod, "2026-11-21T12:00:00Z"), own, services })?.reason;
  assert.equal(found(false), "OutOfcpu");
  assert.equal(found(true), undefined);
});
