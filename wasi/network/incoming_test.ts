import assert from "node:assert/strict";
import type { Answer } from "../host/answer.ts";
import type { HostSocket, SocketAddress, SocketSystem } from "../host/socket.ts";
import { ERRNO } from "../errno.ts";
import { networkOf } from "./decision.ts";
import { Correspondents } from "./incoming.ts";
import { parseIp } from "./ip.ts";

const HERE: SocketAddress = { ip: parseIp("10.0.0.1")!, port: 53 };
const FRIEND: SocketAddress = { ip: parseIp("10.0.0.2")!, port: 1_000 };
const DRESSED: SocketAddress = { ip: parseIp("::ffff:10.0.0.2")!, port: 1_000 };

/** A socket of datagrams, as far as it is asked where it is and where it leads. */
function socketTo(peer: SocketAddress | Answer): HostSocket {
  const socket: Pick<HostSocket, "localAddress" | "peerAddress"> = {
    localAddress: () => HERE,
    peerAddress: () => peer,
  };
  return socket as HostSocket;
}

Deno.test("Correspondents admits whom the socket is connected to, whichever thread did that", () => {
  const network = networkOf({
    allowAddress: () => false,
    networkNews: { look: () => ({ guarded: true, closing: false }), descriptor: undefined },
  });
  const correspondents = new Correspondents(network, {} as SocketSystem);
  const alone = socketTo(-ERRNO.notconn);
  assert.equal(correspondents.admits(alone, FRIEND), false);
  assert.equal(correspondents.admits(socketTo(FRIEND), FRIEND), true);
  assert.equal(correspondents.admits(socketTo(DRESSED), FRIEND), true);
  assert.equal(correspondents.admits(socketTo(FRIEND), { ...FRIEND, port: 1_001 }), false);
  assert.equal(correspondents.admits(socketTo(HERE), FRIEND), false);
});
