import assert from "node:assert/strict";
import { Socket } from "node:net";
import { Connections } from "./connections.ts";

const LIMITS = {
  connectionsMax: 4,
  connectionsPerPeerMax: 2,
  headMs: 60_000,
  idleMs: 60_000,
};

let ports = 0;

class Peer extends Socket {
  override readonly remoteAddress: string;
  override readonly remotePort = ++ports;

  constructor(address: string) {
    super();
    this.remoteAddress = address;
  }

  gone(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.once("close", () => resolve()));
    this.destroy();
    return closed;
  }
}

Deno.test("Connections bounds each address and all together", async () => {
  const connections = new Connections(LIMITS);
  const peers: Peer[] = [];
  const accepts = (address: string): boolean => {
    const peer = new Peer(address);
    peers.push(peer);
    connections.add(peer);
    return !peer.destroyed;
  };
  assert.deepEqual(["a", "a", "a", "b", "c", "d"].map(accepts), [
    true,
    true,
    false,
    true,
    true,
    false,
  ]);
  await peers[0]!.gone();
  assert.deepEqual(["b", "b"].map(accepts), [true, false]);
  await peers[1]!.gone();
  assert.ok(accepts("a"));
  connections.closeAll();
  assert.ok(peers.every((peer) => peer.destroyed));
});
