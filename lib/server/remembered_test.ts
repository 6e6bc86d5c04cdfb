import assert from "node:assert/strict";
import { Remembered } from "./remembered.ts";

Deno.test("Remembered asks again once an answer is old, and for what could not be asked", async () => {
  let nowMs = 0;
  const answers = new Remembered<number>({
    entriesMax: 10,
    keepMs: (n) => n * 10,
    isGood: () => true,
    nowMs: () => nowMs,
  });
  let asked = 0;
  const ask = () => Promise.resolve(++asked);
  assert.equal(await answers.get("a", ask), 1);
  nowMs = 9;
  assert.equal(await answers.get("a", ask), 1);
  nowMs = 10;
  assert.equal(await answers.get("a", ask), 2);
  nowMs = 30;
  await assert.rejects(answers.get("a", () => Promise.reject(new Error("away"))), /away/);
  assert.equal(await answers.get("a", ask), 3);
});

Deno.test("Remembered keeps good answers, whatever number of others there is", async () => {
  let nowMs = 0;
  const answers = new Remembered<boolean>({
    entriesMax: 2,
    keepMs: () => 10,
    isGood: (answer) => answer,
    nowMs: () => nowMs,
  });
  const asked: string[] = [];
  const get = (key: string, answer: boolean): Promise<boolean> =>
    answers.get(key, () => {
      asked.push(key);
      return Promise.resolve(answer);
    });
  await get("good", true);
  for (const key of ["a", "b", "c"]) await get(key, false);
  await get("good", true);
  await get("a", false);
  assert.deepEqual(asked, ["good", "a", "b", "c", "a"], "only the oldest of the others went");
  nowMs = 10;
  assert.ok(answers.wasGood("good"));
  await get("good", false);
  assert.equal(answers.wasGood("good"), false);
});
