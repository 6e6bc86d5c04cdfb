import assert from "node:assert/strict";
import { bytesOf } from "./_test_sockets.ts";
import { Resizes } from "./resizes.ts";
import type { TerminalSize } from "./session.ts";

async function all(resizes: Resizes): Promise<TerminalSize[]> {
  return await Array.fromAsync(resizes);
}

Deno.test("Resizes gives a size wherever its text is cut", async () => {
  const text = '{"Width":80,"Height":24}\n';
  for (let at = 0; at <= text.length; at++) {
    const resizes = new Resizes();
    resizes.push(bytesOf(text.slice(0, at)));
    resizes.push(bytesOf(text.slice(at)));
    resizes.end();
    assert.deepEqual(await all(resizes), [{ width: 80, height: 24 }]);
  }
});

Deno.test("Resizes gives the newest size that was not seen, and waits for the next", async () => {
  const resizes = new Resizes();
  resizes.push(bytesOf('{"width":1,"height":2}{"width":3,"height":4}'));
  const iterator = resizes[Symbol.asyncIterator]();
  assert.deepEqual((await iterator.next()).value, { width: 3, height: 4 });
  const next = iterator.next();
  resizes.push(bytesOf('{"width":5,"height":6}'));
  assert.deepEqual((await next).value, { width: 5, height: 6 });
  const last = iterator.next();
  resizes.end();
  assert.equal((await last).done, true);
});

for (
  const wrong of [
    "no JSON}",
    "[}",
    '{"Width":80}',
    '{"Width":-1,"Height":24}',
    '{"Width":1.5,"Height":24}',
    '{"Width":65536,"Height":24}',
    '{"Width":"80","Height":24}',
    `{${" ".repeat(1_024)}`,
  ]
) {
  Deno.test(`Resizes ends with ${wrong.slice(0, 30)}`, async () => {
    const resizes = new Resizes();
    resizes.push(bytesOf(wrong));
    resizes.push(bytesOf('{"Width":80,"Height":24}'));
    assert.deepEqual(await all(resizes), []);
  });
}
