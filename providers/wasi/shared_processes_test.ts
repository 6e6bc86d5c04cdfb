import assert from "node:assert/strict";
import {
  type Shareable,
  SharedProcesses,
  type SharedProcessesOptions,
} from "./shared_processes.ts";

/** A process that the test can end. */
class Thing implements Shareable {
  readonly #gone = Promise.withResolvers<void>();
  readonly ended = this.#gone.promise;

  isGone = false;

  end(): Promise<void> {
    this.isGone = true;
    this.#gone.resolve();
    return this.ended;
  }
}

/** Processes that boot at once, and all that were booted. */
function bench(
  options: Partial<SharedProcessesOptions<Thing>> = {},
): { shared: SharedProcesses<Thing>; things: Thing[] } {
  const things: Thing[] = [];
  const shared = new SharedProcesses<Thing>({
    boot: () => {
      things.push(new Thing());
      return Promise.resolve(things.at(-1)!);
    },
    idleMs: 60_000,
    ...options,
  });
  return { shared, things };
}

/** A use that goes on until the test says so. */
function using(
  shared: SharedProcesses<Thing>,
  key: string,
): { done: () => Promise<void>; thing: Promise<Thing> } {
  const end = Promise.withResolvers<void>();
  const got = Promise.withResolvers<Thing>();
  const used = shared.use(key, {
    signal: never,
    use: async (thing) => {
      got.resolve(thing);
      await end.promise;
    },
  });
  return {
    thing: got.promise,
    done: async () => {
      end.resolve();
      await used;
    },
  };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

async function gone(thing: Thing): Promise<void> {
  while (!thing.isGone) await turn();
}

const never = new AbortController().signal;

Deno.test("SharedProcesses.use() shares a process among users of one key only", async () => {
  const { shared, things } = bench();
  const [one, two, other] = ["a", "a", "b"].map((key) => using(shared, key));
  assert.equal(await one!.thing, await two!.thing);
  assert.notEqual(await one!.thing, await other!.thing);
  assert.equal(things.length, 2);
  for (const use of [one, two, other]) await use!.done();
  await shared.close();
});

Deno.test("SharedProcesses.use() opens another process when one is full or worn out", async () => {
  const { shared, things } = bench({ usersMax: 2, usesMax: 3 });
  const users = ["a", "a", "a"].map((key) => using(shared, key));
  await Promise.all(users.map(({ thing }) => thing));
  assert.equal(things.length, 2);
  await users[0]!.done();
  const third = using(shared, "a"); // the first process's third use
  assert.equal(await third.thing, things[0]);
  for (const use of [users[1]!, third]) await use.done();
  await things[0]!.ended; // it has had enough
  const fourth = using(shared, "a");
  assert.equal(await fourth.thing, things[1]);
  for (const use of [users[2]!, fourth]) await use.done();
  await shared.close();
});

Deno.test("SharedProcesses ends a process that nobody uses, and not before", async () => {
  const { shared, things } = bench({ idleMs: 1 });
  const [one, two] = [using(shared, "a"), using(shared, "a")];
  await one.done();
  await turn();
  assert.equal(shared.size, 1);
  await two.done();
  await gone(things[0]!);
  assert.equal(shared.size, 0);
  await shared.close();
});

Deno.test("SharedProcesses.use() never uses what has died", async () => {
  const { shared, things } = bench();
  await using(shared, "a").done();
  await things[0]!.end();
  await turn();
  const next = using(shared, "a");
  assert.equal(await next.thing, things[1]);
  await next.done();
  await shared.close();
});

Deno.test("SharedProcesses.use() rejects with the failure of the boot, and tries again", async () => {
  let boots = 0;
  const { shared } = bench({
    boot: () =>
      boots++ === 0 ? Promise.reject(new Error("no memory")) : Promise.resolve(new Thing()),
  });
  const use = { signal: never, use: () => Promise.resolve("used") };
  await assert.rejects(shared.use("a", use), { message: "no memory" });
  assert.equal(await shared.use("a", use), "used");
  await shared.close();
});

Deno.test("SharedProcesses.use() that is aborted does not wait for the boot", async () => {
  const booting = Promise.withResolvers<Thing>();
  const { shared } = bench({ boot: () => booting.promise, idleMs: 1 });
  const control = new AbortController();
  const use = shared.use("a", { signal: control.signal, use: () => assert.fail() });
  control.abort(new Error("not wanted"));
  await assert.rejects(use, { message: "not wanted" });
  const thing = new Thing();
  booting.resolve(thing);
  await gone(thing); // nobody uses it
  await assert.rejects(shared.use("a", { signal: control.signal, use: () => assert.fail() }));
  await shared.close();
});

Deno.test("SharedProcesses.close() ends all processes, also those that boot", async () => {
  const { shared, things } = bench();
  await using(shared, "a").done();
  const booting = shared.use("b", { signal: never, use: () => Promise.resolve() });
  await Promise.all([shared.close(), booting]);
  await Promise.all(things.map(({ ended }) => ended));
  await assert.rejects(shared.use("a", { signal: never, use: () => assert.fail() }));
});
