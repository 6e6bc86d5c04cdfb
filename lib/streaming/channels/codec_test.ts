import assert from "node:assert/strict";
import { bytesOf } from "../_test_sockets.ts";
import { CHANNEL_PORTS_MAX } from "../limits.ts";
import { BASE64, BINARY } from "./codec.ts";

Deno.test("BINARY has the channel in the first byte", () => {
  const message = { channel: 3, bytes: bytesOf("text") };
  assert.deepEqual(BINARY.encode(message), bytesOf("\x03text"));
  assert.deepEqual(BINARY.decode(bytesOf("\x03text")), message);
  assert.deepEqual(BINARY.decode(bytesOf("\x03")), { channel: 3, bytes: bytesOf("") });
  assert.equal(BINARY.decode(bytesOf("")), undefined);
});

Deno.test("BASE64 has the channel in the first character", () => {
  const message = { channel: 3, bytes: bytesOf("text") };
  assert.equal(BASE64.encode(message), "3dGV4dA==");
  assert.deepEqual(BASE64.decode(bytesOf("3dGV4dA==")), message);
  assert.deepEqual(BASE64.decode(bytesOf("3")), { channel: 3, bytes: bytesOf("") });
  for (const wrong of ["", "/", "\x00dGV4dA==", "3d", "3dGV4dA==x", "3\xff\xff"]) {
    assert.equal(BASE64.decode(bytesOf(wrong)), undefined, JSON.stringify(wrong));
  }
});

Deno.test("BASE64 has two channels for each port that can be forwarded", () => {
  for (let channel = 0; channel < 2 * CHANNEL_PORTS_MAX; channel++) {
    const message = { channel, bytes: bytesOf("x") };
    assert.deepEqual(BASE64.decode(bytesOf(BASE64.encode(message) as string)), message);
  }
});
