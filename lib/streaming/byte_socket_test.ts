import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { ClosedError } from "./session.ts";
import { drained, UpgradedSocket } from "./byte_socket.ts";

/** More than the system keeps for a peer that does not read. */
const PIECE = new Uint8Array(1024 * 1024);
const WRITERS = 100;

/** A connection whose other side does not read until it is told to. */
async function pair(): Promise<{ near: Socket; far: Socket } & AsyncDisposable> {
  const server = createServer({ pauseOnConnect: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const far = connect((server.address() as AddressInfo).port, "127.0.0.1");
  far.pause();
  const [near] = await once(server, "connection") as [Socket];
  far.on("error", () => {});
  near.on("error", () => {});
  return {
    near,
    far,
    async [Symbol.asyncDispose](): Promise<void> {
      const closed = [near, far].map((socket) => socket.closed || once(socket, "close"));
      near.destroy();
      far.destroy();
      await Promise.all(closed);
      server.close();
      await once(server, "close");
    },
  };
}

/** Writes from many streams of a session, until nobody has room. */
function fill(near: Socket): Promise<PromiseSettledResult<void>[]> {
  const socket = new UpgradedSocket(near, { head: new Uint8Array(), lingerMs: 1_000 });
  const writers = Array.from({ length: WRITERS }, () => socket.write(PIECE));
  assert.ok(near.writableNeedDrain);
  return Promise.allSettled(writers);
}

Deno.test("UpgradedSocket listens to its socket once for all who wait to write, and tells them all", async () => {
  await using sockets = await pair();
  const { near, far } = sockets;
  const before = near.listenerCount("close");
  const writers = fill(near);
  assert.equal(near.listenerCount("drain"), 1);
  assert.ok(near.listenerCount("close") <= before + 2, "its own, and one of those who wait");
  far.resume();
  assert.ok((await writers).every(({ status }) => status === "fulfilled"));
  assert.equal(near.listenerCount("drain"), 0);
  assert.equal(near.listenerCount("close"), before + 1);
  await drained(near);
});

Deno.test("UpgradedSocket tells all who wait to write that the peer has gone", async () => {
  await using sockets = await pair();
  const { near } = sockets;
  const writers = fill(near);
  near.destroy();
  for (const writer of await writers) {
    assert.ok(writer.status === "rejected" && writer.reason instanceof ClosedError);
  }
  assert.equal(near.listenerCount("drain"), 0);
});
