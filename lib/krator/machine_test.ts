import assert from "node:assert/strict";
import { drawEdges, type EndName, type Next, runMachine, type State } from "./machine.ts";

const EDGES = {
  fresh: ["busy", "ending"],
  busy: ["done", "ending"],
  ending: ["done"],
  done: [],
} as const;
type E = typeof EDGES;

// @ts-expect-error: what is done never begins again
export const revived: Next<E, "done"> = "busy";
// @ts-expect-error: nobody skips the work
export const skipped: Next<E, "fresh"> = "done";
// @ts-expect-error: only what has no arrow is an end
export const early: EndName<E> = "ending";
export const bad: State<E, "fresh", unknown> = {
  // @ts-expect-error: a state may only name what follows it
  run: () => "done",
};

Deno.test("runMachine() follows the arrows to an end and tells each state", async () => {
  const entered: string[] = [];
  const end = await runMachine({
    edges: EDGES,
    initial: "fresh",
    context: {},
    onEnter: (state) => entered.push(state),
    states: {
      fresh: { run: () => "busy" },
      busy: { run: () => "done" },
      ending: { run: () => "done" },
    },
  });
  assert.equal(end, "done");
  assert.deepEqual(entered, ["fresh", "busy", "done"]);
});

Deno.test("runMachine() goes where an interruption leads, once the state has let go", async () => {
  const interruption = new AbortController();
  const entered: string[] = [];
  const end = await runMachine({
    edges: EDGES,
    initial: "fresh",
    context: {},
    interrupt: { signal: interruption.signal, to: "ending" },
    onEnter: (state) => entered.push(state),
    states: {
      fresh: { run: () => "busy" },
      busy: {
        run: (_context, signal) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener("abort", () => reject(signal.reason));
            interruption.abort();
          }),
      },
      ending: { run: () => "done" },
    },
  });
  assert.equal(end, "done");
  assert.deepEqual(entered, ["fresh", "busy", "ending", "done"]);
});

Deno.test("runMachine() passes on an error that no interruption explains", async () => {
  const interrupt = { signal: new AbortController().signal, to: "ending" as const };
  await assert.rejects(
    runMachine({
      edges: EDGES,
      initial: "busy",
      context: {},
      interrupt,
      states: {
        fresh: { run: () => "busy" },
        busy: { run: () => Promise.reject(new Error("broken")) },
        ending: { run: () => "done" },
      },
    }),
    /broken/,
  );
});

Deno.test("drawEdges() prints every arrow", () => {
  assert.equal(
    drawEdges(EDGES),
    "fresh -> busy | ending\nbusy -> done | ending\nending -> done\ndone -> (end)",
  );
});
