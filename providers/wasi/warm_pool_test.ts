import assert from "node:assert/strict";
import { type Warm, WarmPool, type WarmPoolOptions } from "./warm_pool.ts";

/** Something to be kept warm, which the test can end. */
class Thing implements Warm {
  readonly #gone = Promise.withResolvers<void>();
  readonly ended = this.#gone.promise;
  isGone = false;

  end(): Promise<void> {
    this.isGone = true;
    this.#gone.resolve();
    return this.ended;
  }
}

/** A pool whose boots end when the test says so. */
class Bench {
  readonly boots: {
    readonly awaited: boolean;
    finish: (thing?: Thing) => Thing;
    fail: (error: Error) => void;
  }[] = [];
  readonly things: Thing[] = [];
  readonly pool: WarmPool<Thing>;

  constructor(options: Partial<WarmPoolOptions<Thing>> = {}) {
    this.pool = new WarmPool<Thing>({
      size: 2,
      sizeMax: 4,
      bootsMax: 2,
      idleMs: 60_000,
      retryMs: 60_000,
      retryMsMax: 60_000,
      boot: (signal, awaited) => this.#boot(signal, awaited),
      ...options,
    });
  }

  #boot(signal: AbortSignal, awaited: boolean): Promise<Thing> {
    const { promise, resolve, reject } = Promise.withResolvers<Thing>();
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    this.boots.push({
      awaited,
      finish: (thing = new Thing()) => {
        this.things.push(thing);
        resolve(thing);
        return thing;
      },
      fail: reject,
    });
    return promise;
  }

  /** Lets boots end until nothing more is booted. */
  async settle(): Promise<void> {
    for (let done = 0; done < this.boots.length; done++) {
      this.boots[done]!.finish();
      await turn();
    }
  }
}

/** Lets everything that is ready to run, run. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

const never = new AbortController().signal;

Deno.test("WarmPool tells a boot whether somebody waits for it", async () => {
  const bench = new Bench({ bootsMax: 3 });
  const { signal } = new AbortController();
  assert.deepEqual(bench.boots.map(({ awaited }) => awaited), [false, false]);
  await bench.settle();
  const taken = [1, 2, 3].map(() => bench.pool.take(signal));
  await turn();
  assert.deepEqual(bench.boots.map(({ awaited }) => awaited), [false, false, true]);
  await bench.settle();
  for (const { item, settled } of await Promise.all(taken)) {
    settled();
    await item.end();
  }
  assert.deepEqual(bench.boots.slice(3).map(({ awaited }) => awaited), [false, false, false]);
  await bench.settle();
  await bench.pool.close();
});

Deno.test("WarmPool boots its size in advance and gives one away at once", async () => {
  const bench = new Bench();
  await bench.settle();
  assert.equal(bench.pool.warm, 2);
  const { item, settled } = await bench.pool.take(never);
  assert.equal(item, bench.things[0]);
  assert.equal(bench.pool.warm, 1);
  settled();
  await bench.pool.close();
  assert.deepEqual(bench.things.map((thing) => thing.isGone), [false, true]);
  await item.end();
});

Deno.test("WarmPool.take() refills only when nobody is starting", async () => {
  const bench = new Bench();
  await bench.settle();
  const first = await bench.pool.take(never);
  const second = await bench.pool.take(never);
  first.settled();
  first.settled(); // telling twice counts once
  await turn();
  assert.equal(bench.boots.length, 2);
  second.settled();
  await turn();
  assert.equal(bench.boots.length, 4);
  await bench.pool.close();
});

Deno.test("WarmPool.take() never has more boots under way than allowed", async () => {
  const bench = new Bench({ size: 0, sizeMax: 0 });
  const taken = Promise.all([1, 2, 3].map(() => bench.pool.take(never)));
  await turn();
  assert.equal(bench.boots.length, 2);
  bench.boots[0]!.finish();
  await turn();
  assert.equal(bench.boots.length, 3);
  bench.boots[1]!.finish();
  bench.boots[2]!.finish();
  assert.equal((await taken).length, 3);
  await bench.pool.close();
});

Deno.test("WarmPool keeps more warm while a burst lasts, and fewer afterwards", async () => {
  const bench = new Bench({ idleMs: 2_000, bootsMax: 8 });
  const burst = [1, 2, 3, 4, 5, 6].map(() => bench.pool.take(never));
  await bench.settle();
  for (const { settled } of await Promise.all(burst)) settled();
  await bench.settle();
  const most: number = bench.pool.warm;
  assert.equal(most, 4);
  while (bench.pool.warm > 2) await turn();
  assert.equal(bench.things.filter((thing) => thing.isGone).length, 2);
  await bench.pool.close();
});

Deno.test("WarmPool ends what is still being made when a burst is over", async () => {
  const bench = new Bench({ idleMs: 1, size: 1, sizeMax: 3 });
  const burst = [bench.pool.take(never), bench.pool.take(never)];
  const over = new Promise((resolve) => setTimeout(resolve, 1)); // fires after the pool's own
  for (const boot of [...bench.boots]) boot.finish();
  for (const { settled } of await Promise.all(burst)) settled();
  assert.equal(bench.boots.length, 4);
  await over;
  for (const boot of bench.boots.slice(2)) boot.finish();
  await turn();
  assert.deepEqual(bench.things.slice(2).map((thing) => thing.isGone), [false, true]);
  assert.equal(bench.pool.warm, 1);
  await bench.pool.close();
});

Deno.test("WarmPool.take() rejects with the failure of the boot it waits for", async () => {
  const bench = new Bench({ size: 0, sizeMax: 0 });
  const taken = bench.pool.take(never);
  bench.boots[0]!.fail(new Error("no processes left"));
  await assert.rejects(taken, { message: "no processes left" });
  await bench.pool.close();
});

Deno.test("WarmPool waits before it replaces one that died, and longer each time", async () => {
  const bench = new Bench({ size: 1, retryMs: 5, retryMsMax: 40 });
  const startMs = performance.now();
  for (let deaths = 0; deaths < 4; deaths++) {
    while (bench.boots.length === deaths) await turn();
    await bench.boots[deaths]!.finish().end();
    await turn();
    assert.equal(bench.pool.warm, 0);
    assert.equal(bench.boots.length, deaths + 1);
  }
  while (bench.boots.length < 5) await turn();
  const waitedMs = performance.now() - startMs;
  assert.ok(waitedMs >= 5 + 10 + 20 + 40 - 4, `${waitedMs} ms`);
  await bench.pool.close();
});

Deno.test("WarmPool.take() that is aborted leaves its boot to others", async () => {
  const bench = new Bench({ size: 1, sizeMax: 1 });
  const control = new AbortController();
  const taken = bench.pool.take(control.signal);
  control.abort(new Error("not wanted"));
  bench.boots[0]!.finish();
  await assert.rejects(taken, { message: "not wanted" });
  await turn();
  assert.equal(bench.pool.warm, 1);
  await bench.pool.close();
});

Deno.test("WarmPool.close() ends boots under way and refuses who waits", async () => {
  const bench = new Bench();
  const taken = bench.pool.take(never);
  const refused = assert.rejects(taken, { message: "The pool is closed" });
  await bench.pool.close();
  await refused;
  await assert.rejects(bench.pool.take(never), { message: "The pool is closed" });
});
