import assert from "node:assert/strict";
import { rereadToken, TOKEN_AGE_MS_MAX } from "./token_file.ts";

Deno.test("rereadToken() reads again after a minute, and keeps the old token if it cannot", async () => {
  let content: string | undefined = "one\n";
  let reads = 0;
  let nowMs = 0;
  const read = (): Promise<string> => {
    reads++;
    return content === undefined ? Promise.reject(new Error("gone")) : Promise.resolve(content);
  };
  const token = await rereadToken(read, () => nowMs);
  content = "two\n";
  nowMs = TOKEN_AGE_MS_MAX - 1;
  assert.equal(await token(), "one");
  assert.equal(reads, 1);
  nowMs = TOKEN_AGE_MS_MAX;
  assert.equal(await token(), "two");
  content = undefined;
  nowMs = 2 * TOKEN_AGE_MS_MAX;
  assert.equal(await token(), "two");
  assert.equal(reads, 3);
  await assert.rejects(rereadToken(read), /gone/);
});
