import assert from "node:assert/strict";
import { Lanes } from "./lanes.ts";

/** Lets everything run that does not wait for the outside. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("Lanes lets no more in than it has, and the others in the order in which they came", async () => {
  const lanes = new Lanes(2);
  const entered: string[] = [];
  const enter = async (name: string): Promise<Disposable> => {
    const lane = await lanes.enter();
    entered.push(name);
    return lane;
  };
  const [a, b, c, d] = ["a", "b", "c", "d"].map(enter);
  await settle();
  assert.deepEqual(entered, ["a", "b"]);
  (await b!)[Symbol.dispose]();
  await settle();
  assert.deepEqual(entered, ["a", "b", "c"]);
  (await a!)[Symbol.dispose]();
  await settle();
  assert.deepEqual(entered, ["a", "b", "c", "d"]);
  for (const lane of [await c!, await d!]) lane[Symbol.dispose]();
});

Deno.test("Lanes gives back one lane, however often it is disposed of", async () => {
  const lanes = new Lanes(1);
  const first = await lanes.enter();
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  await lanes.enter();
  let entered = false;
  void lanes.enter().then(() => entered = true);
  await settle();
  assert.equal(entered, false);
});

Deno.test("Lanes is free again after a holder that failed", async () => {
  const lanes = new Lanes(1);
  const work = async (): Promise<never> => {
    using _lane = await lanes.enter();
    throw new Error("a failure");
  };
  await assert.rejects(work(), /a failure/);
  await assert.rejects(work(), /a failure/);
});
