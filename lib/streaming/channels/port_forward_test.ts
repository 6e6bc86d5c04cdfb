import assert from "node:assert/strict";
import { bytesOf, FakeSocket, until } from "../_test_sockets.ts";
import { ClosedError } from "../session.ts";
import { BINARY } from "./codec.ts";
import { forwardOverChannels } from "./port_forward.ts";

Deno.test("forwardOverChannels() has two channels for each port, which begin with it", async () => {
  const socket = new FakeSocket();
  const session = forwardOverChannels(socket, { codec: BINARY, ports: [80, 8080] });
  const clients = await Array.fromAsync(session);
  assert.deepEqual(clients.map(({ port }) => port), [80, 8080]);
  assert.deepEqual(socket.sent.splice(0), [
    Uint8Array.of(0, 80, 0),
    Uint8Array.of(1, 80, 0),
    Uint8Array.of(2, 0x90, 0x1f),
    Uint8Array.of(3, 0x90, 0x1f),
  ]);
  socket.come(
    bytesOf("\x02asked"),
    bytesOf("\x03to nobody"),
    bytesOf("\x04to nobody"),
    bytesOf(""),
  );
  const reader = clients[1]!.data.readable.getReader();
  assert.deepEqual((await reader.read()).value, bytesOf("asked"));
  await clients[1]!.data.writable.getWriter().write(bytesOf("answered"));
  await clients[0]!.fail("nobody listens");
  assert.deepEqual(socket.sent, [bytesOf("\x02answered"), bytesOf("\x01nobody listens")]);
  assert.equal(socket.closeCode, undefined, "there is one more");
  await clients[1]!.end();
  await until(() => socket.closed.aborted);
  assert.equal(socket.closeCode, 1000);
});

Deno.test("forwardOverChannels() fails its clients when the peer goes", async () => {
  const socket = new FakeSocket();
  const session = forwardOverChannels(socket, { codec: BINARY, ports: [80] });
  const [client] = await Array.fromAsync(session);
  const read = client!.data.readable.getReader().read();
  const writer = client!.data.writable.getWriter();
  socket.go();
  await assert.rejects(read, ClosedError);
  await assert.rejects(writer.closed, ClosedError);
  assert.ok(client!.closed.aborted);
  await client!.end();
});
