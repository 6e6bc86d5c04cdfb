import assert from "node:assert/strict";
import { Flights } from "./flights.ts";

interface Work {
  starts: number;
  signal: AbortSignal | undefined;
  readonly done: PromiseWithResolvers<string>;
  start(signal: AbortSignal): Promise<string>;
}

function work(): Work {
  return {
    starts: 0,
    signal: undefined,
    done: Promise.withResolvers<string>(),
    start(signal): Promise<string> {
      this.starts++;
      this.signal = signal;
      return this.done.promise;
    },
  };
}

const never = new AbortController().signal;

Deno.test("Flights.join() does equal work once, and again afterwards", async () => {
  const flights = new Flights<string>();
  const first = work();
  const joined = [1, 2, 3].map(() => flights.join("k", never, (s) => first.start(s)));
  const other = flights.join("other", never, () => Promise.resolve("other"));
  first.done.resolve("done");
  assert.deepEqual(await Promise.all(joined), ["done", "done", "done"]);
  assert.equal(await other, "other");
  assert.equal(first.starts, 1);
  assert.equal(await flights.join("k", never, () => Promise.resolve("again")), "again");
});

Deno.test("Flights.join() lets one caller leave and the others arrive", async () => {
  const flights = new Flights<string>();
  const shared = work();
  const leaver = new AbortController();
  const left = flights.join("k", leaver.signal, (s) => shared.start(s));
  const stayed = flights.join("k", never, (s) => shared.start(s));
  leaver.abort(new Error("pod is gone"));
  await assert.rejects(left, /pod is gone/);
  assert.equal(shared.signal?.aborted, false);
  shared.done.resolve("done");
  assert.equal(await stayed, "done");
});

Deno.test("Flights.join() stops work that nobody waits for, and boards nobody on it", async () => {
  const flights = new Flights<string>();
  const abandoned = work();
  const leaver = new AbortController();
  const left = flights.join("k", leaver.signal, (s) => abandoned.start(s));
  leaver.abort(new Error("pod is gone"));
  await assert.rejects(left, /pod is gone/);
  assert.equal(abandoned.signal?.aborted, true);
  const fresh = flights.join("k", never, () => Promise.resolve("fresh"));
  abandoned.done.reject(new Error("stopped"));
  assert.equal(await fresh, "fresh");
});

Deno.test("Flights.join() gives everybody the failure, and forgets it", async () => {
  const flights = new Flights<string>();
  const failing = work();
  const joined = [1, 2].map(() => flights.join("k", never, (s) => failing.start(s)));
  failing.done.reject(new Error("404"));
  for (const one of joined) await assert.rejects(one, /404/);
  assert.equal(await flights.join("k", never, () => Promise.resolve("fine")), "fine");
});

Deno.test("Flights.join() starts nothing for a caller that is already gone", async () => {
  const unwanted = work();
  const flights = new Flights<string>();
  await assert.rejects(flights.join("k", AbortSignal.abort("gone"), (s) => unwanted.start(s)));
  assert.equal(unwanted.starts, 0);
});

Deno.test("Flights.stop() aborts and waits for all work, abandoned work too", async () => {
  const flights = new Flights<string>();
  const ended: string[] = [];
  const untilAborted = (name: string) => (signal: AbortSignal): Promise<string> =>
    new Promise((_, reject) =>
      signal.addEventListener("abort", () =>
        queueMicrotask(() => {
          ended.push(name);
          reject(signal.reason);
        }))
    );
  const joined = flights.join("a", never, untilAborted("a"));
  const leaver = new AbortController();
  const left = flights.join("b", leaver.signal, untilAborted("b"));
  const rejections = Promise.allSettled([joined, left]);
  leaver.abort();
  await flights.stop(new Error("closing"));
  assert.deepEqual(ended.sort(), ["a", "b"]);
  await rejections;
  await assert.rejects(joined, /closing/);
});
