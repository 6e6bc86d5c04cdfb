import assert from "node:assert/strict";
import { FDFLAG } from "../abi.ts";
import type { AddressRequest } from "../network/decision.ts";
import { ALLOW_ALL, SocketProbe, testSocketHosts } from "../testing/socket_probe.ts";

const LOCAL = "127.0.0.1";
const SOURCE = "127.0.0.2";
/** What is allowed without a wish where to come from. */
const ANYHOW = "127.0.0.9";

/** An address where nobody listens. */
function nobody(): { hostname: string; port: number } {
  using free = Deno.listen({ hostname: LOCAL, port: 0 });
  return { hostname: LOCAL, port: free.addr.port };
}

/** A guest that comes from {@linkcode SOURCE}, but for one place. */
const SOURCED = {
  allowAddress: ({ purpose, address }: AddressRequest) =>
    purpose === "bind" || address.hostname === ANYHOW
      ? true
      : { source: { hostname: SOURCE, port: 0 } },
};

testSocketHosts("to connect in vain is no way to listen without being asked", async (_, host) => {
  const asked: string[] = [];
  using probe = new SocketProbe(host, {
    allowAddress({ purpose }): boolean {
      asked.push(purpose);
      return purpose === "connect";
    },
  });
  const to = nobody();
  const fd = await probe.mustSocket("ipv4", "tcp");
  assert.equal(await probe.connect(fd, to), "connrefused");
  assert.equal(await probe.callLong("sock_listen", fd, 16), "acces");
  assert.deepEqual(asked.splice(0), ["connect", "bind"]);
  const polled = await probe.mustSocket("ipv4", "tcp");
  assert.equal(probe.call("fd_fdstat_set_flags", polled, FDFLAG.nonblock), "success");
  for (let times = 0; times < 3; times++) await probe.connect(polled, to);
  assert.notEqual(await probe.callLong("sock_listen", polled, 16), "success");
});

testSocketHosts(
  "to connect in vain is refused each time, and never with another reason",
  async (probe) => {
    const fd = await probe.mustSocket("ipv4", "tcp");
    assert.equal(await probe.bind(fd, { hostname: SOURCE, port: 0 }), "success");
    assert.equal(await probe.connect(fd, nobody()), "connrefused");
    assert.equal(await probe.connect(fd, nobody()), "connrefused");
  },
);

testSocketHosts("datagrams leave from where the embedder wants, or not at all", async (_, host) => {
  using probe = new SocketProbe(host, SOURCED);
  const to = { hostname: LOCAL, port: 9 };
  const first = await probe.mustSocket("ipv4", "udp");
  assert.equal(await probe.sendTo(first, "x", to), 1);
  assert.equal(await probe.sendTo(first, "x", to), 1);
  const local = await probe.local(first);
  assert.equal(typeof local === "string" ? local : local.hostname, SOURCE);
  // This one gets its address from a destination that leaves it to the system.
  const second = await probe.mustSocket("ipv4", "udp");
  assert.equal(await probe.sendTo(second, "x", { hostname: ANYHOW, port: 9 }), 1);
  assert.equal(await probe.sendTo(second, "x", to), "inval");
  assert.equal(await probe.connect(second, to), "inval");
});

testSocketHosts("a socket of datagrams changes its peer and keeps its source", async (_, host) => {
  using probe = new SocketProbe(host, SOURCED);
  const fd = await probe.mustSocket("ipv4", "udp");
  for (const port of [9, 10]) {
    assert.equal(await probe.connect(fd, { hostname: LOCAL, port }), "success");
    assert.deepEqual(await probe.peer(fd), { hostname: LOCAL, port });
  }
  const local = await probe.local(fd);
  assert.equal(typeof local === "string" ? local : local.hostname, SOURCE);
});

testSocketHosts("a stream is bound to the source, and connects from its port", async (_, host) => {
  using probe = new SocketProbe(host, SOURCED);
  using listener = Deno.listen({ hostname: LOCAL, port: 0 });
  const to = { hostname: LOCAL, port: listener.addr.port };
  const elsewhere = await probe.mustSocket("ipv4", "tcp");
  assert.equal(await probe.bind(elsewhere, { hostname: "127.0.0.3", port: 0 }), "success");
  assert.equal(await probe.connect(elsewhere, to), "inval");
  const fd = await probe.mustSocket("ipv4", "tcp");
  assert.equal(await probe.bind(fd, { hostname: SOURCE, port: 0 }), "success");
  const bound = await probe.local(fd);
  assert.equal(await probe.connect(fd, to), "success");
  using peer = await listener.accept();
  const { hostname, port } = peer.remoteAddr as Deno.NetAddr;
  assert.deepEqual({ hostname, port }, bound);
});

testSocketHosts("nobody can be sent a datagram at port 0", async (probe) => {
  const fd = await probe.mustSocket("ipv4", "udp");
  assert.equal(await probe.sendTo(fd, "x", { hostname: LOCAL, port: 0 }), "inval");
}, ALLOW_ALL);
