import assert from "node:assert/strict";
import { bytesOf, textOf } from "./_test_sockets.ts";
import { Budget, Inbox } from "./inbox.ts";
import {
  CONNECTION_BUFFER_BYTES_MAX,
  PIECE_COST_BYTES,
  STREAM_BUFFER_BYTES_MAX,
} from "./limits.ts";

Deno.test("Inbox gives what came, in order, and then the end", async () => {
  const inbox = new Inbox(new Budget());
  inbox.push(bytesOf("one "));
  const read = textOf(inbox.readable);
  inbox.push(bytesOf("two "));
  inbox.push(bytesOf("three"));
  inbox.end();
  inbox.push(bytesOf("too late"));
  assert.equal(await read, "one two three");
});

Deno.test("Inbox that has ended gives what was not read yet", async () => {
  const inbox = new Inbox(new Budget());
  inbox.push(bytesOf("one "));
  inbox.push(bytesOf("two"));
  inbox.end();
  assert.equal(await textOf(inbox.readable), "one two");
});

Deno.test("Inbox is full until it is read", async () => {
  const budget = new Budget();
  const inbox = new Inbox(budget);
  inbox.push(new Uint8Array(STREAM_BUFFER_BYTES_MAX));
  assert.ok(inbox.full);
  let there = false;
  const room = budget.roomFor(inbox).then(() => there = true);
  await Promise.resolve();
  assert.ok(!there);
  const reader = inbox.readable.getReader();
  await reader.read();
  await room;
  assert.ok(!inbox.full);
  assert.equal(budget.used, 0);
  await reader.cancel();
});

Deno.test("Inbox counts small pieces for what they cost, and lets go of what they were cut from", () => {
  const budget = new Budget();
  const inbox = new Inbox(budget);
  const large = new Uint8Array(64 * 1024);
  const pieces = Math.ceil(STREAM_BUFFER_BYTES_MAX / (1 + PIECE_COST_BYTES));
  for (let index = 0; index < pieces; index++) inbox.push(large.subarray(0, 1));
  assert.ok(inbox.full);
  assert.ok(budget.used < STREAM_BUFFER_BYTES_MAX + 2 * PIECE_COST_BYTES);
});

Deno.test("Inbox keeps no part of a larger buffer alive", async () => {
  const inbox = new Inbox(new Budget());
  inbox.push(new Uint8Array(64 * 1024).subarray(0, 10));
  inbox.end();
  const reader = inbox.readable.getReader();
  const { value } = await reader.read();
  assert.equal(value!.buffer.byteLength, 10);
});

Deno.test("Budget is full when its streams keep too much together", () => {
  const budget = new Budget();
  const streams = CONNECTION_BUFFER_BYTES_MAX / (STREAM_BUFFER_BYTES_MAX / 2);
  for (let index = 0; index < streams; index++) {
    assert.ok(!budget.full);
    new Inbox(budget).push(new Uint8Array(STREAM_BUFFER_BYTES_MAX / 2));
  }
  assert.ok(budget.full);
});

Deno.test("Budget.close() lets nobody wait", async () => {
  const budget = new Budget();
  const inbox = new Inbox(budget);
  inbox.push(new Uint8Array(STREAM_BUFFER_BYTES_MAX));
  const room = budget.roomFor(inbox);
  budget.close();
  await room;
  await budget.roomFor(inbox);
});

Deno.test("Inbox throws away what a reader does not want", async () => {
  const budget = new Budget();
  const inbox = new Inbox(budget);
  inbox.push(bytesOf("one"));
  const room = budget.roomFor({
    get full() {
      return budget.used > 0;
    },
  });
  await inbox.readable.cancel();
  await room;
  inbox.push(bytesOf("two"));
  assert.equal(budget.used, 0);
  inbox.end();
  inbox.fail(new Error("too late"));
});

Deno.test("Inbox.fail() fails a reader at once, with what was not read", async () => {
  const budget = new Budget();
  const inbox = new Inbox(budget);
  inbox.push(bytesOf("one"));
  inbox.fail(new Error("gone"));
  await assert.rejects(textOf(inbox.readable), /gone/);
  assert.equal(budget.used, 0);
});

Deno.test("Inbox.discard() tells a reader the end, and keeps nothing more", async () => {
  const budget = new Budget();
  const inbox = new Inbox(budget);
  inbox.push(bytesOf("one"));
  inbox.discard();
  inbox.push(bytesOf("two"));
  inbox.discard();
  assert.equal(await textOf(inbox.readable), "");
  assert.equal(budget.used, 0);
});
