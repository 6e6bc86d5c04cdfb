import assert from "node:assert/strict";
import type { Event } from "../api/types.ts";
import { Fold, type Moment } from "./fold.ts";
import type { Happening } from "./happening.ts";

const MINUTE_MS = 60_000;
const BURST = 25;

function happening(changes: Partial<Happening> = {}, uid = "u1"): Happening {
  const object = { kind: "Pod", namespace: "default", name: "web", uid };
  return { object, type: "Warning", reason: "BackOff", message: "again", ...changes };
}

/** A moment of clocks that agree. */
function at(ms: number): Moment {
  return { wallMs: ms, steadyMs: ms };
}

/** Folds, and makes events that are numbered in the order in which they are made. */
class Folding {
  readonly #fold = new Fold();
  #made = 0;

  /** What became of a happening: the event's name and count, `+` for one that is counted up. */
  add(what: Happening, nowMs: number): string {
    const folded = this.#fold.add(what, at(nowMs), (): Event => ({
      metadata: { name: `e${++this.#made}` },
      involvedObject: what.object,
      count: 1,
    }));
    if (folded === "dropped") return folded;
    const { event, again } = folded;
    return `${again ? "+" : ""}${event.metadata?.name} ${event.count}`;
  }
}

Deno.test("Fold counts an event up that repeats within ten minutes of its last time", () => {
  const fold = new Folding();
  assert.equal(fold.add(happening(), 0), "e1 1");
  assert.equal(fold.add(happening(), 9 * MINUTE_MS), "+e1 2");
  assert.equal(fold.add(happening(), 18 * MINUTE_MS), "+e1 3");
  assert.equal(fold.add(happening(), 29 * MINUTE_MS), "e2 1");
  assert.equal(fold.add(happening(), 30 * MINUTE_MS), "+e2 2");
});

Deno.test("Fold dates an event that is counted up with its last time", () => {
  const fold = new Fold();
  const make = (): Event => ({ involvedObject: {}, firstTimestamp: "1970-01-01T00:00:00Z" });
  fold.add(happening(), at(0), make);
  const again = fold.add(happening(), at(MINUTE_MS), make);
  assert.deepEqual(again, {
    event: { ...make(), count: 2, lastTimestamp: "1970-01-01T00:01:00Z" },
    again: true,
  });
});

Deno.test("Fold keeps apart what differs in type, reason, message, part or object", () => {
  const fold = new Folding();
  const { object } = happening();
  const others = [
    happening(),
    happening({ type: "Normal" }),
    happening({ reason: "Failed" }),
    happening({ message: "other" }),
    happening({ object: { ...object, fieldPath: "spec.containers{app}" } }),
    happening({}, "u2"),
  ];
  const made = others.map((what) => fold.add(what, 0));
  assert.deepEqual(made, ["e1 1", "e2 1", "e3 1", "e4 1", "e5 1", "e6 1"]);
});

Deno.test("Fold drops what one object tells too often, and lets one more pass every five minutes", () => {
  const fold = new Folding();
  let count = 0;
  const add = (nowMs: number): boolean =>
    fold.add(happening({ message: `message ${count++}` }), nowMs) !== "dropped";
  const passed = Array.from({ length: BURST + 5 }, () => add(0)).filter(Boolean);
  assert.equal(passed.length, BURST);
  assert.equal(add(5 * MINUTE_MS - 1), false);
  // Minutes that have passed already count for the next one.
  assert.deepEqual([7, 7, 10, 10, 20, 20, 20].map((minute) => add(minute * MINUTE_MS)), [
    ...[true, false],
    ...[true, false],
    ...[true, true, false],
  ]);
  // Another object has its own allowance.
  assert.notEqual(fold.add(happening({}, "u2"), 20 * MINUTE_MS), "dropped");
});

Deno.test("Fold saves up no more than one burst", () => {
  const fold = new Folding();
  fold.add(happening(), 0);
  const day = 24 * 60 * MINUTE_MS;
  const results = Array.from(
    { length: BURST + 1 },
    (_, index) => fold.add(happening({ message: `message ${index}` }), day),
  );
  assert.equal(results.filter((result) => result !== "dropped").length, BURST);
});

Deno.test("Fold counts up what differs only where a message is cut", () => {
  const fold = new Folding();
  const long = "é".repeat(2_000);
  assert.equal(fold.add(happening({ message: `${long} 1` }), 0), "e1 1");
  assert.equal(fold.add(happening({ message: `${long} 2` }), 0), "+e1 2");
});

Deno.test("Fold remembers no event for longer than it is counted up", () => {
  const fold = new Fold();
  const make = (): Event => ({ involvedObject: {} });
  for (let hour = 0; hour < 100; hour++) {
    fold.add(happening({ message: `message ${hour}` }), at(hour * 60 * MINUTE_MS), make);
    fold.add(happening({ message: "always" }), at(hour * 60 * MINUTE_MS), make);
  }
  assert.equal(fold.remembered, 2);
});

Deno.test("Fold forgets an object that was silent, once it has its whole burst back", () => {
  const fold = new Fold();
  const make = (): Event => ({ involvedObject: {} });
  for (let i = 0; i < 100; i++) fold.add(happening({}, `u${i}`), at(0), make);
  fold.add(happening({}, "u0"), at(60 * MINUTE_MS), make);
  assert.equal(fold.remembered, 100);
  fold.add(happening({}, "new"), at(BURST * 5 * MINUTE_MS + 1), make);
  assert.equal(fold.remembered, 2);
});

Deno.test("Fold forgets the object that was silent for longest when there are too many", () => {
  const fold = new Folding();
  fold.add(happening({}, "first"), 0);
  assert.equal(fold.add(happening({}, "first"), 0), "+e1 2");
  for (let i = 0; i < 4_096; i++) fold.add(happening({}, `u${i}`), 0);
  assert.equal(fold.add(happening({}, "u4095"), 0), "+e4097 2");
  assert.equal(fold.add(happening({}, "first"), 0), "e4098 1");
});

Deno.test("Fold measures by the clock that nobody sets, and dates by the one on the wall", () => {
  const fold = new Fold();
  const make = (): Event => ({ involvedObject: {}, lastTimestamp: "1970-01-01T01:00:00Z" });
  const wallMs = 60 * MINUTE_MS;
  fold.add(happening(), { wallMs, steadyMs: 0 }, make);
  const back = fold.add(happening(), { wallMs: 0, steadyMs: MINUTE_MS }, make);
  assert.deepEqual(back, {
    event: { ...make(), count: 2, lastTimestamp: "1970-01-01T00:00:00Z" },
    again: true,
  });
  const late = fold.add(happening(), { wallMs: MINUTE_MS, steadyMs: 12 * MINUTE_MS }, make);
  assert.equal(late !== "dropped" && late.again, false, "it is news again");
});
