import assert from "node:assert/strict";
import type { Event } from "../api/types.ts";
import type { Happening } from "./happening.ts";
import { EventRecorder } from "./recorder.ts";

const OBJECT = { kind: "Pod", namespace: "default", name: "web", uid: "u1" };

function happening(message: string, reason = "BackOff"): Happening {
  return { object: OBJECT, type: "Warning", reason, message };
}

interface Recording {
  readonly recorder: EventRecorder;
  readonly created: Event[];
  readonly repeated: Event[];
}

function open(fail: () => boolean = () => false): Recording {
  const created: Event[] = [];
  const repeated: Event[] = [];
  const recorder = new EventRecorder({
    nodeName: "node-1",
    onTrouble: () => {},
    transport: {
      create: (event) => fail() ? Promise.reject(new Error("away")) : later(created, event),
      repeat: (event) => later(repeated, event),
    },
  });
  return { recorder, created, repeated };
}

function later(list: Event[], event: Event): Promise<void> {
  list.push(event);
  return Promise.resolve();
}

const soon = (): AbortSignal => AbortSignal.timeout(30_000);

Deno.test("EventRecorder creates an event, and counts it up when it repeats", async () => {
  const { recorder, created, repeated } = open();
  recorder.tell(happening("once"));
  recorder.tell(happening("once"));
  recorder.tell(happening("other"));
  await recorder.close(soon());
  assert.deepEqual(created.map(({ message }) => message), ["once", "other"]);
  assert.deepEqual(repeated.map(({ count }) => count), [2]);
  assert.equal(repeated[0]?.metadata?.name, created[0]?.metadata?.name);
  assert.deepEqual(created[0]?.source, { component: "kubelet", host: "node-1" });
});

Deno.test("EventRecorder tries again while the API server is away", async () => {
  let failures = 2;
  const { recorder, created } = open(() => failures-- > 0);
  recorder.tell(happening("late"));
  await recorder.close(soon());
  assert.equal(created.length, 1);
});

Deno.test("EventRecorder bounds what one object may cause", async () => {
  const { recorder, created } = open();
  for (let i = 0; i < 100; i++) recorder.tell(happening(`message ${i}`));
  await recorder.close(soon());
  assert.equal(created.length, 25);
});

Deno.test("EventRecorder cuts a message at the API server's limit, between characters", async () => {
  const { recorder, created } = open();
  recorder.tell(happening("ü".repeat(2_000)));
  await recorder.close(soon());
  const message = created[0]?.message ?? "";
  assert.ok(new TextEncoder().encode(message).length <= 1_024);
  assert.match(message, /^ü+…$/);
});
