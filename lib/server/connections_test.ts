import assert from "node:assert/strict";
import { Socket } from "node:net";
import { Connections, peerOf } from "./connections.ts";

const LIMITS = {
  connectionsMax: 4,
  connectionsPerPeerMax: 2,
  headMs: 60_000,
  idleMs: 60_000,
};

let ports = 0;

class Peer extends Socket {
  override readonly remoteAddress: string;
  override readonly remotePort: number;
  override readonly localAddress: string;

  constructor(address: string, { port = ++ports, to = "here" } = {}) {
    super();
    this.remoteAddress = address;
    this.remotePort = port;
    this.localAddress = to;
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

Deno.test("Connections tells connections of one peer's port to two addresses apart", async () => {
  const connections = new Connections({ ...LIMITS, headMs: 1 });
  const [first, second] = ["here", "there"].map((to) => new Peer("a", { port: 1, to })) as [
    Peer,
    Peer,
  ];
  connections.add(first);
  connections.busy(peerOf(first));
  const closed = new Promise<void>((resolve) => second.once("close", () => resolve()));
  connections.add(second);
  connections.busy(peerOf(first));
  await closed;
  assert.equal(first.destroyed, false);
  connections.closeAll();
  assert.ok(first.destroyed);
});
