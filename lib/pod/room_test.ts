import assert from "node:assert/strict";
import type { Pod } from "../api/types.ts";
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

/** A pod that was made in this year and asks for 800m. */
function born(year: number, name: string, guest = "polite"): Pod {
  const pod = podOf(guest, { name, spec: { ...asking(guest, "800m"), restartPolicy: "Always" } });
  return { ...pod, metadata: { ...pod.metadata, creationTimestamp: `${year}-01-01T00:00:00Z` } };
}

Deno.test("PodManager keeps the place of a pod that ran before, wherever it comes in the list", async () => {
  await using world = await World.open();
  const list = [born(2020, "older"), born(2026, "newer"), born(2025, "runs")];
  const before = world.agent();
  await before.sync([list[2]!]);
  await world.phase("runs", "Running");
  await before.shutdown(0);
  world.ledger = new Ledger({ cpu: "1", pods: "10" });
  const after = world.agent();
  await after.sync(list);
  await world.phase("older", "Failed");
  await world.phase("newer", "Failed");
  await world.eventually("it runs again", () => world.runs.length === 2);
  assert.deepEqual(world.runs.map(({ pod }) => pod.name), ["runs", "runs"]);
  assert.equal(world.status("older").reason, "OutOfcpu");
  await after.shutdown(0);
});

Deno.test("PodManager takes the oldest of many new pods first, and none that is going", async () => {
  await using world = await World.open();
  world.ledger = new Ledger({ cpu: "1", pods: "10" });
  const agent = world.agent();
  const leaving = born(2019, "leaving");
  await agent.sync([
    born(2026, "third"),
    born(2025, "second"),
    born(2020, "first"),
    { ...leaving, metadata: { ...leaving.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } },
  ]);
  await world.phase("first", "Running");
  await world.phase("second", "Failed");
  await world.phase("third", "Failed");
  assert.deepEqual(world.runs.map(({ pod }) => pod.name), ["first"]);
  await agent.shutdown(0);
});

Deno.test("PodManager counts this machine's own pods before those of the cluster", async () => {
  await using world = await World.open();
  world.ledger = new Ledger({ cpu: "1", pods: "10" });
  const agent = world.agent();
  agent.applyOwn(born(2026, "own"));
  assert.equal(world.ledger.admit("uid-other", born(2020, "other"))?.reason, "OutOfcpu");
  await agent.sync([born(2020, "other")]);
  await world.phase("own", "Running");
  await world.phase("other", "Failed");
  await agent.shutdown(0);
});

Deno.test("lackOfRoom() gives back the place of a pod that is turned away", () => {
  const ledger = new Ledger({ cpu: "1", pods: "10" });
  const pod = born(2026, "web");
  assert.equal(ledger.admit("uid-web", pod), undefined);
  const turnedAway = (): { reason: string; message: string } => ({
    reason: "Evicted",
    message: "",
  });
  const record = newRecord(pod, "2026-11-21T12:00:00Z");
  assert.equal(
    lackOfRoom(pod, { record, own: false, services: { ledger, turnedAway } })?.reason,
    "Evicted",
  );
  assert.equal(ledger.admit("uid-other", born(2026, "other")), undefined);
});

/** A pod of this priority that asks for so much of a CPU. */
function ranked(name: string, cpu: string, priority = 0): ReturnType<typeof podOf> {
  const spec = { ...asking("spin", cpu), priority, terminationGracePeriodSeconds: 0 };
  return podOf("spin", { name, spec });
}

const CRITICAL = 2_000_000_000;

Deno.test("PodManager ends pods of less importance for a critical one, and no more than it needs", async () => {
  await using world = await World.open();
  world.ledger = new Ledger({ cpu: "1", pods: "10" });
  const agent = world.agent();
  agent.apply(ranked("small", "200m"));
  agent.apply(ranked("large", "700m"));
  for (const name of ["small", "large"]) await world.phase(name, "Running");
  agent.apply(ranked("critical", "800m", CRITICAL));
  await world.phase("critical", "Running");
  const { phase, reason, message, conditions } = world.status("large");
  assert.deepEqual([phase, reason, message], [
    "Failed",
    "Preempting",
    "Preempted in order to admit critical pod",
  ]);
  const target = conditions?.find(({ type }) => type === "DisruptionTarget");
  assert.deepEqual([target?.status, target?.reason], ["True", "TerminationByKubelet"]);
  assert.equal(world.status("small").phase, "Running");
  const told = world.events.filter((event) => event.reason === "Preempting");
  assert.deepEqual(told.map(({ object }) => object.name), ["large"]);
  const ended = world.said.findIndex(({ pod, status }) =>
    pod.name === "large" && status.phase === "Failed"
  );
  const began = world.said.findIndex(({ pod, status }) =>
    pod.name === "critical" && status.phase === "Running"
  );
  assert.ok(ended < began, "it begins when there is room");
  await agent.shutdown(0);
});

Deno.test("PodManager waits for a preempted pod, also one that may take longer than a timer holds", async () => {
  await using world = await World.open();
  world.ledger = new Ledger({ cpu: "1", pods: "10" });
  const agent = world.agent();
  const patient = ranked("patient", "900m");
  patient.spec!.terminationGracePeriodSeconds = 5_000_000;
  agent.apply(patient);
  await world.phase("patient", "Running");
  agent.apply(ranked("critical", "900m", CRITICAL));
  await world.eventually(
    "it is told to end",
    () => world.events.some(({ reason }) => reason === "Preempting"),
  );
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(world.runs.length, 1, "there is no room yet");
  await agent.shutdown(0);
});

Deno.test("PodManager gives the room of a preempted pod to nobody but the critical one", async () => {
  await using world = await World.open();
  world.ledger = new Ledger({ cpu: "1", pods: "10" });
  const agent = world.agent();
  agent.apply(ranked("large", "900m"));
  await world.phase("large", "Running");
  agent.apply(ranked("critical", "900m", CRITICAL));
  agent.apply(ranked("late", "500m"));
  await world.phase("critical", "Running");
  await world.phase("late", "Failed");
  assert.equal(world.status("late").reason, "OutOfcpu");
  await agent.shutdown(0);
});

Deno.test("PodManager refuses a critical pod for which nobody may go; others drive nobody away", async () => {
  await using world = await World.open();
  world.ledger = new Ledger({ cpu: "1", pods: "10" });
  const agent = world.agent();
  agent.apply(ranked("peer", "600m", CRITICAL));
  agent.apply(ranked("modest", "300m"));
  for (const name of ["peer", "modest"]) await world.phase(name, "Running");
  agent.apply(ranked("important", "300m", CRITICAL - 1));
  await world.phase("important", "Failed");
  assert.equal(world.status("important").reason, "OutOfcpu");
  agent.apply(ranked("critical", "500m", CRITICAL));
  await world.phase("critical", "Failed");
  const { reason, message } = world.status("critical");
  assert.equal(reason, "UnexpectedAdmissionError");
  assert.match(message ?? "", /no set of running pods .*: \[\(res: cpu, q: 400\), \]$/);
  assert.deepEqual(["peer", "modest"].map((name) => world.status(name).phase), [
    "Running",
    "Running",
  ]);
  await agent.shutdown(0);
});

Deno.test("PodManager waits for a preempted pod that is deleted meanwhile", async () => {
  await using world = await World.open();
  world.ledger = new Ledger({ cpu: "1", pods: "10" });
  const agent = world.agent();
  const patient = ranked("patient", "900m");
  patient.spec!.terminationGracePeriodSeconds = 5_000_000;
  agent.apply(patient);
  await world.phase("patient", "Running");
  agent.apply(ranked("critical", "900m", CRITICAL));
  await world.eventually(
    "it is told to end",
    () => world.events.some(({ reason }) => reason === "Preempting"),
  );
  const metadata = {
    ...patient.metadata!,
    deletionTimestamp: new Date(Date.now() + 1_000).toISOString(),
    deletionGracePeriodSeconds: 1,
  };
  agent.apply({ ...patient, metadata });
  await world.phase("critical", "Running");
  const ended = world.said.findIndex(({ pod, status }) =>
    pod.name === "patient" && status.containerStatuses?.[0]?.state.terminated !== undefined
  );
  const began = world.said.findIndex(({ pod, status }) =>
    pod.name === "critical" && status.phase === "Running"
  );
  assert.ok(ended >= 0 && ended < began, "it begins when there is room");
  await agent.shutdown(0);
});

Deno.test("PodManager makes room for two critical pods that come together", async () => {
  await using world = await World.open();
  world.ledger = new Ledger({ cpu: "1", pods: "10" });
  const agent = world.agent();
  agent.apply(ranked("large", "900m"));
  await world.phase("large", "Running");
  for (const name of ["one", "two"]) agent.apply(ranked(name, "500m", CRITICAL));
  for (const name of ["one", "two"]) await world.phase(name, "Running");
  assert.equal(world.status("large").reason, "Preempting");
  await agent.shutdown(0);
});

Deno.test("PodManager lets a critical pod go that waits for its turn", async () => {
  await using world = await World.open();
  world.ledger = new Ledger({ cpu: "1", pods: "10" });
  const agent = world.agent();
  const patient = ranked("patient", "900m");
  patient.spec!.terminationGracePeriodSeconds = 5_000_000;
  agent.apply(patient);
  await world.phase("patient", "Running");
  const [one, two] = [ranked("one", "900m", CRITICAL), ranked("two", "100m", CRITICAL)];
  for (const pod of [one, two]) agent.apply(pod);
  await world.eventually(
    "the first one waits",
    () => world.events.some(({ reason }) => reason === "Preempting"),
  );
  for (const pod of [two, one]) {
    const metadata = { ...pod.metadata!, deletionTimestamp: new Date().toISOString() };
    agent.apply({ ...pod, metadata });
    const name = metadata.name!;
    await world.eventually(`${name} is gone`, () => world.released.includes(name));
  }
  assert.equal(world.runs.length, 1);
  await agent.shutdown(0);
});
