import assert from "node:assert/strict";
import { isKubeletError, KubeletError, messageOf } from "./errors.ts";

const wrapped = (message: string, cause: unknown): Error => new Error(message, { cause });

Deno.test("messageOf() puts the causes behind the message, the nearest first", () => {
  const error = wrapped("Cannot start", wrapped("Cannot read", new Error("no such file")));
  assert.equal(messageOf(error), "Cannot start: Cannot read: no such file");
});

Deno.test("messageOf() says a cause once that the message quotes", () => {
  const inner = wrapped("Cannot read: no such file", new Error("no such file"));
  assert.equal(messageOf(inner), "Cannot read: no such file");
  const outer = wrapped("Cannot start", inner);
  assert.equal(messageOf(outer), "Cannot start: Cannot read: no such file");
});

Deno.test("messageOf() goes on behind a cause that the message quotes", () => {
  const error = wrapped("Cannot start: refused", wrapped("refused", new Error("port 1 is closed")));
  assert.equal(messageOf(error), "Cannot start: refused: port 1 is closed");
});

Deno.test("messageOf() takes whatever was thrown", () => {
  assert.equal(messageOf("a word"), "a word");
  assert.equal(messageOf(undefined), "undefined");
  assert.equal(messageOf(wrapped("Cannot start", 7)), "Cannot start: 7");
});

Deno.test("isKubeletError() tells codes apart, and foreign errors with the same words", () => {
  const error = new KubeletError("volume", "Cannot mount", { reason: "FailedMount" });
  assert.equal(isKubeletError(error, "volume"), true);
  assert.equal(isKubeletError(error, "invalid"), false);
  assert.equal(isKubeletError(Object.assign(new Error(), { code: "volume" }), "volume"), false);
  assert.deepEqual([error.name, error.reason, "cause" in error], [
    "KubeletError",
    "FailedMount",
    false,
  ]);
});
