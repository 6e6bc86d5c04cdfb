import assert from "node:assert/strict";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { Connections, peerOf } from "./connections.ts";
import { refuseHead } from "./long_head.ts";

const TOO_LONG = Object.assign(new Error("Parse Error"), { code: "HPE_HEADER_OVERFLOW" });
const BROKEN = Object.assign(new Error("Parse Error"), { code: "HPE_INVALID_METHOD" });

for (
  const [what, error, busy] of [
    ["behind a request that waits for its answer", TOO_LONG, true],
    ["for what is no head at all", BROKEN, false],
  ] as const
) {
  Deno.test(`refuseHead() says nothing ${what}`, async () => {
    const socket = new PassThrough();
    const closed = once(socket, "close");
    refuseHead(error, { socket, busy });
    await closed;
    assert.equal(socket.read(), null);
  });
}

Deno.test("refuseHead() says once that a head is too long, and does not wait for ever for a peer that goes on", async () => {
  const socket = new PassThrough({ autoDestroy: false });
  const closed = once(socket, "close");
  for (let piece = 0; piece < 3; piece++) refuseHead(TOO_LONG, { socket, busy: false });
  const text = String(socket.read());
  assert.match(text, /^HTTP\/1\.1 431 [^]*Connection: close\r\n\r\n431 /);
  assert.equal(text.match(/HTTP\/1\.1/g)?.length, 1);
  await closed;
});

Deno.test("Connections knows which connection has a request without an answer, also one behind another", async () => {
  const limits = { connectionsMax: 1, connectionsPerPeerMax: 1, headMs: 60_000, idleMs: 60_000 };
  const connections = new Connections(limits);
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { createConnection } = await import("node:net");
  const socket = createConnection(listener.addr.port, "127.0.0.1");
  await once(socket, "connect");
  using _far = await listener.accept();
  const peer = peerOf(socket);
  connections.add(socket);
  const seen: boolean[] = [];
  const look = (): void => void seen.push(connections.isBusy(peer));
  look();
  for (const step of ["busy", "busy", "idle", "idle"] as const) {
    connections[step](peer);
    look();
  }
  assert.deepEqual(seen, [false, true, true, true, false]);
  const closed = once(socket, "close");
  connections.closeAll();
  await closed;
});
