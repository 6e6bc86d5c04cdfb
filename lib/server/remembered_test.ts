import assert from "node:assert/strict";
import { Remembered } from "./remembered.ts";

Deno.test("Remembered asks again once an answer is old, and for what could not be asked", async () => {
  let nowMs = 0;
  const answers = new Remembered<number>({
    entriesMax: 10,
    keepMs: (n) => n * 10,
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
