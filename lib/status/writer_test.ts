import assert from "node:assert/strict";
import type { PodPhase, PodStatus } from "../api/types.ts";
import { HOUR_MS, WallClock } from "../_wall_clock.ts";
import { type Heard, type PodKey, StatusWriter } from "./writer.ts";

const POD: PodKey = { uid: "u1", namespace: "default", name: "web" };

/** A cluster that writes down what it hears, and can be made deaf. */
class Cluster {
  readonly heard: string[] = [];
  /** What the next calls do, in turn; after them, everything is heard. */
  readonly script: (Heard | Error | Promise<Heard>)[] = [];
  /** Resolves at the first call. */
  readonly called = Promise.withResolvers<void>();

  async writeStatus(pod: PodKey, { phase, message }: PodStatus): Promise<Heard> {
    const answer = await this.#answer();
    if (answer === "written") this.heard.push([pod.name, phase, message].filter(Boolean).join(" "));
    return answer;
  }

  async release(pod: PodKey): Promise<Heard> {
    const answer = await this.#answer();
    this.heard.push(`${pod.name} released`);
    return answer;
  }

  async #answer(): Promise<Heard> {
    this.called.resolve();
    const answer = await (this.script.shift() ?? "written");
    if (answer instanceof Error) throw answer;
    return answer;
  }
}

function open(pendingDelayMs = 0): { cluster: Cluster; writer: StatusWriter; trouble: string[] } {
  const cluster = new Cluster();
  const trouble: string[] = [];
  const onTrouble = (message: string): number => trouble.push(message);
  return {
    cluster,
    trouble,
    writer: new StatusWriter({ transport: cluster, onTrouble, pendingDelayMs }),
  };
}

const say = (phase: PodPhase, message?: string): PodStatus => ({
  phase,
  ...(message === undefined ? {} : { message }),
});
const soon = (): AbortSignal => AbortSignal.timeout(30_000);

Deno.test("StatusWriter sends only the newest of a burst", async () => {
  const { cluster, writer } = open();
  const gate = Promise.withResolvers<Heard>();
  cluster.script.push(gate.promise);
  writer.say(POD, say("Running", "1"));
  await cluster.called.promise;
  for (const message of ["2", "3", "4"]) writer.say(POD, say("Running", message));
  gate.resolve("written");
  await writer.flushed(soon());
  writer.close();
  assert.deepEqual(cluster.heard, ["web Running 1", "web Running 4"]);
});

Deno.test("StatusWriter does not say Pending of a pod that runs soon", async () => {
  const { cluster, writer } = open(10_000);
  writer.say(POD, say("Pending"));
  writer.say(POD, say("Running"));
  await writer.flushed(soon());
  writer.close();
  assert.deepEqual(cluster.heard, ["web Running"]);
});

Deno.test("StatusWriter lets Running be seen before the end, and nothing else of the past", async () => {
  const { cluster, writer } = open(10_000);
  for (const phase of ["Pending", "Running", "Succeeded"] as const) writer.say(POD, say(phase));
  writer.say(POD, say("Succeeded", "again"));
  await writer.flushed(soon());
  writer.close();
  assert.deepEqual(cluster.heard, ["web Running", "web Succeeded again"]);
});

Deno.test("StatusWriter says again what was not heard, newest words only, and then releases", async () => {
  const { cluster, writer, trouble } = open();
  cluster.script.push(new Error("connection refused"), new Error("connection refused"));
  writer.say(POD, say("Running", "old"));
  const released = writer.release(POD);
  writer.say(POD, say("Running", "new"));
  await released;
  writer.close();
  assert.deepEqual(cluster.heard, ["web Running new", "web released"]);
  assert.equal(trouble.length, 1);
  assert.match(trouble[0] ?? "", /"default\/web".*connection refused/);
});

Deno.test("StatusWriter drops the words of a pod that is gone", async () => {
  const { cluster, writer } = open();
  cluster.script.push("gone");
  writer.say(POD, say("Running", "1"));
  await writer.flushed(soon());
  writer.close();
  assert.deepEqual(cluster.heard, []);
});

Deno.test("StatusWriter does not repeat what was heard", async () => {
  const { cluster, writer } = open();
  writer.say(POD, say("Running"));
  await writer.flushed(soon());
  writer.say(POD, say("Running"));
  await writer.flushed(soon());
  writer.close();
  assert.deepEqual(cluster.heard, ["web Running"]);
});

Deno.test("StatusWriter tries again in time though the clock was set back", async () => {
  using clock = new WallClock();
  const cluster = new Cluster();
  cluster.script.push(new Error("away"));
  const onTrouble = (): void => clock.jump(-HOUR_MS);
  const writer = new StatusWriter({ transport: cluster, onTrouble });
  writer.say(POD, { phase: "Running" });
  await writer.flushed(AbortSignal.timeout(30_000));
  assert.deepEqual(cluster.heard, ["web Running"]);
  writer.close();
});
