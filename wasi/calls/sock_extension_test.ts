import assert from "node:assert/strict";
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { EVENT, FDFLAG, FILETYPE } from "../abi.ts";
import { errnoName } from "../errno.ts";
import { DESCRIPTORS_MAX } from "../limits.ts";
import type { AddressRequest } from "../network/decision.ts";
import { FREE } from "../testing/probe.ts";
import { ALLOW_ALL, readText, SocketProbe, testSocketHosts } from "../testing/socket_probe.ts";

const LOCAL = "127.0.0.1";
const SOL_SOCKET = 0;
const IPPROTO_TCP = 6;
const OPTION = { reuseAddress: 0, type: 1, error: 2, receiveBuffer: 6, listening: 13 } as const;
const NO_DELAY = 15;

/** Waits for `poll_oneoff` to say that a socket can be written to. */
async function writable(probe: SocketProbe, fd: number): Promise<void> {
  probe.bytes.fill(0, FREE, FREE + 48);
  probe.view.setUint8(FREE + 8, EVENT.fdWrite);
  probe.view.setUint32(FREE + 16, fd, true);
  assert.equal(await probe.callLong("poll_oneoff", FREE, FREE + 64, 1, FREE + 128), "success");
}

testSocketHosts("sock_open() gives sockets of both families and kinds", async (probe) => {
  const stream = await probe.mustSocket("ipv4", "tcp");
  assert.equal(probe.call("fd_fdstat_get", stream, FREE), "success");
  assert.equal(probe.view.getUint8(FREE), FILETYPE.socketStream);
  const datagrams = await probe.mustSocket("ipv6", "udp");
  assert.equal(probe.call("fd_fdstat_get", datagrams, FREE), "success");
  assert.equal(probe.view.getUint8(FREE), FILETYPE.socketDgram);
  assert.equal(await probe.option(stream, SOL_SOCKET, OPTION.type), 2);
  assert.equal(await probe.option(datagrams, SOL_SOCKET, OPTION.type), 1);
  assert.equal(await probe.callLong("sock_open", 3, 2, FREE), "afnosupport");
  assert.equal(await probe.callLong("sock_open", 1, 3, FREE), "prototype");
  assert.equal(await probe.callLong("sock_open", 1, 2, -2), "fault");
});

testSocketHosts("a guest connects, and both sides know their addresses", async (probe) => {
  using listener = Deno.listen({ hostname: LOCAL, port: 0 });
  const fd = await probe.mustSocket("ipv4", "tcp");
  assert.equal(await probe.peer(fd), "notconn");
  const accepted = listener.accept();
  assert.equal(await probe.connect(fd, { hostname: LOCAL, port: listener.addr.port }), "success");
  using peer = await accepted;
  assert.deepEqual(await probe.peer(fd), { hostname: LOCAL, port: listener.addr.port });
  const remote = peer.remoteAddr as Deno.NetAddr;
  assert.deepEqual(await probe.local(fd), { hostname: LOCAL, port: remote.port });
  assert.equal(await probe.send(fd, "hello"), 5);
  assert.equal(await readText(peer, 5), "hello");
});

testSocketHosts(
  "sock_connect() without waiting is in progress, then tells its fate",
  async (probe) => {
    using listener = Deno.listen({ hostname: LOCAL, port: 0 });
    const fd = await probe.mustSocket("ipv4", "tcp");
    assert.equal(probe.call("fd_fdstat_set_flags", fd, FDFLAG.nonblock), "success");
    const begun = await probe.connect(fd, { hostname: LOCAL, port: listener.addr.port });
    assert.equal(begun, "inprogress");
    await writable(probe, fd);
    assert.equal(await probe.option(fd, SOL_SOCKET, OPTION.error), 0);
    (await listener.accept()).close();
  },
);

testSocketHosts("nobody listens: connrefused, at once or as the socket's error", async (probe) => {
  const free = Deno.listen({ hostname: LOCAL, port: 0 });
  const to = { hostname: LOCAL, port: free.addr.port };
  free.close();
  const waits = await probe.mustSocket("ipv4", "tcp");
  assert.equal(await probe.connect(waits, to), "connrefused");
  const fd = await probe.mustSocket("ipv4", "tcp");
  probe.call("fd_fdstat_set_flags", fd, FDFLAG.nonblock);
  const begun = await probe.connect(fd, to);
  if (begun === "connrefused") return; // a loopback may be that quick
  assert.equal(begun, "inprogress");
  await writable(probe, fd);
  const error = await probe.option(fd, SOL_SOCKET, OPTION.error);
  assert.equal(typeof error === "number" ? errnoName(error) : error, "connrefused");
  assert.equal(await probe.option(fd, SOL_SOCKET, OPTION.error), 0, "told once");
});

testSocketHosts("a guest listens on IPv6", async (probe) => {
  const { fd, port } = await probe.mustListen("::1");
  assert.equal(await probe.option(fd, SOL_SOCKET, OPTION.listening), 1);
  using peer = await Deno.connect({ hostname: "::1", port });
  const accepted = await probe.accept(fd);
  assert.ok(typeof accepted === "number", String(accepted));
  const { hostname, port: from } = peer.localAddr as Deno.NetAddr;
  assert.deepEqual(await probe.peer(accepted), { hostname, port: from });
  assert.equal(await probe.send(accepted, "six"), 3);
  assert.equal(await readText(peer, 3), "six");
});

/** A socket of the test's own, and everything that it is sent. */
async function datagramPeer(): Promise<{ peer: Socket; next: () => Promise<[string, number]> }> {
  const peer = createSocket("udp4");
  peer.bind(0, LOCAL);
  await once(peer, "listening");
  const next = async (): Promise<[string, number]> => {
    const [bytes, from] = await once(peer, "message") as [Uint8Array, RemoteInfo];
    return [new TextDecoder().decode(bytes), from.port];
  };
  return { peer, next };
}

testSocketHosts("datagrams come and go with addresses, and are cut", async (probe) => {
  const { peer, next } = await datagramPeer();
  const there = { hostname: LOCAL, port: peer.address().port };
  const fd = await probe.mustSocket("ipv4", "udp");
  assert.equal(await probe.bind(fd, { hostname: LOCAL, port: 0 }), "success");
  const here = await probe.local(fd);
  assert.ok(typeof here !== "string" && here.port > 0, String(here));
  const question = next();
  assert.equal(await probe.sendTo(fd, "question", there), 8);
  assert.deepEqual(await question, ["question", here.port]);
  const answer = (): Promise<unknown> =>
    new Promise((resolve) => peer.send("an answer", here.port, LOCAL, resolve));
  await answer();
  assert.deepEqual(await probe.receiveFrom(fd, 64), {
    text: "an answer",
    truncated: false,
    from: there,
  });
  await answer();
  assert.deepEqual(await probe.receive(fd, 2), { text: "an", truncated: true });
  assert.equal(await probe.connect(fd, there), "success");
  const again = next();
  assert.equal(await probe.send(fd, "again"), 5);
  assert.equal((await again)[0], "again");
  assert.equal(await probe.callLong("sock_listen", fd, 1), "notcapable");
  peer.close();
  await once(peer, "close");
});

testSocketHosts("options are set and read; strange ones are noprotoopt", async (probe) => {
  const fd = await probe.mustSocket("ipv4", "tcp");
  assert.equal(await probe.setOption(fd, SOL_SOCKET, OPTION.reuseAddress, 1), "success");
  assert.equal(await probe.option(fd, SOL_SOCKET, OPTION.reuseAddress), 1);
  assert.equal(await probe.setOption(fd, IPPROTO_TCP, NO_DELAY, 1), "success");
  assert.equal(await probe.option(fd, IPPROTO_TCP, NO_DELAY), 1);
  assert.equal(await probe.setOption(fd, SOL_SOCKET, OPTION.receiveBuffer, 0x7fff_ffff), "success");
  assert.equal(await probe.option(fd, SOL_SOCKET, 9), "noprotoopt");
  assert.equal(await probe.option(fd, 1, 0), "noprotoopt");
  assert.equal(await probe.setOption(fd, SOL_SOCKET, OPTION.type, 1), "inval");
  assert.equal(await probe.setOption(fd, SOL_SOCKET, OPTION.error, 1), "noprotoopt");
  assert.equal(await probe.callLong("sock_getsockopt", fd, 0, 0, -2, 4), "fault");
  probe.view.setUint32(FREE, 4, true);
  const asPointer = await probe.callLong("sock_getsockopt", fd, 0, 0, FREE + 4, FREE);
  assert.deepEqual([asPointer, probe.view.getUint32(FREE + 4, true)], ["success", 1]);
});

testSocketHosts(
  "the first version of the extension works with its own parameters",
  async (probe) => {
    const { fd, port } = await probe.mustListen();
    using _peer = await Deno.connect({ port });
    assert.equal(await probe.callLong("sock_accept", fd, FREE), "success");
    assert.equal(probe.view.getUint32(FREE, true), fd + 1);
    const [room, buffer, kind, told] = [FREE, FREE + 16, FREE + 64, FREE + 68];
    probe.view.setUint32(room, buffer, true);
    probe.view.setUint32(room + 4, 16, true);
    assert.equal(await probe.callLong("sock_getlocaladdr", fd, room, kind, told), "success");
    assert.equal(probe.view.getUint32(kind, true), 4);
    assert.equal(probe.view.getUint32(told, true), port);
    assert.deepEqual([...probe.bytes.slice(buffer, buffer + 4)], [127, 0, 0, 1]);
    const bare = await probe.mustSocket("ipv4", "tcp");
    probe.view.setUint32(room + 4, 4, true);
    assert.equal(await probe.callLong("sock_connect", bare, room, port), "success");
  },
);

testSocketHosts("addresses that make no sense are refused", async (probe) => {
  const fd = await probe.mustSocket("ipv4", "tcp");
  const room = (length: number, family: number): number => {
    probe.view.setUint32(FREE, FREE + 16, true);
    probe.view.setUint32(FREE + 4, length, true);
    probe.view.setUint16(FREE + 16, family, true);
    return FREE;
  };
  assert.equal(await probe.callLong("sock_bind", fd, room(5, 1), 80), "inval");
  assert.equal(await probe.callLong("sock_bind", fd, room(128, 3), 80), "afnosupport");
  assert.equal(await probe.callLong("sock_bind", fd, room(128, 2), 80), "afnosupport");
  assert.equal(await probe.callLong("sock_bind", fd, room(128, 1), 65_536), "inval");
  assert.equal(await probe.callLong("sock_bind", fd, room(128, 1), -1), "inval");
  assert.equal(await probe.callLong("sock_bind", fd, -4, 80), "fault");
  probe.view.setUint32(FREE, probe.bytes.length - 64, true);
  probe.view.setUint32(FREE + 4, 128, true);
  assert.equal(await probe.callLong("sock_connect", fd, FREE, 80), "fault");
  assert.equal(await probe.callLong("sock_getlocaladdr", fd, FREE, FREE + 8), "fault");
  assert.equal(await probe.callLong("sock_getlocaladdr", fd, room(7, 0), FREE + 8), "inval");
});

const asked: AddressRequest[] = [];

testSocketHosts(
  "nothing is bound, connected, sent to or listened on without leave",
  async (probe) => {
    const stream = await probe.mustSocket("ipv4", "tcp");
    const six = await probe.mustSocket("ipv6", "tcp");
    const datagrams = await probe.mustSocket("ipv4", "udp");
    asked.length = 0;
    assert.equal(await probe.bind(stream, { hostname: "0.0.0.0", port: 1_080 }), "acces");
    assert.equal(await probe.connect(stream, { hostname: "0.0.0.0", port: 80 }), "acces");
    assert.equal(await probe.connect(six, { hostname: "::ffff:10.0.0.1", port: 81 }), "acces");
    assert.equal(await probe.connect(six, { hostname: "::", port: 82 }), "acces");
    assert.equal(await probe.sendTo(datagrams, "?", { hostname: "8.8.8.8", port: 53 }), "acces");
    assert.equal(await probe.callLong("sock_listen", stream, 1), "acces");
    assert.deepEqual(
      asked.map(({ purpose, protocol, address }) =>
        `${purpose} ${protocol} ${address.hostname} ${address.port}`
      ),
      [
        "bind tcp 0.0.0.0 1080",
        "connect tcp 127.0.0.1 80",
        "connect tcp 10.0.0.1 81",
        "connect tcp ::1 82",
        "send udp 8.8.8.8 53",
        "bind tcp 0.0.0.0 0",
      ],
    );
    assert.deepEqual(await probe.local(stream), { hostname: "0.0.0.0", port: 0 });
  },
  {
    allowAddress(request): boolean {
      asked.push(request);
      return false;
    },
  },
);

testSocketHosts("without an option nothing is allowed", async (probe) => {
  const fd = await probe.mustSocket("ipv4", "tcp");
  assert.equal(await probe.bind(fd, { hostname: LOCAL, port: 0 }), "acces");
}, {});

testSocketHosts(
  "a decision may change the address and say where to come from",
  async (probe, host) => {
    using elsewhere = Deno.listen({ hostname: "127.0.0.3", port: 0 });
    using redirected = new SocketProbe(host, {
      allowAddress: ({ purpose }) =>
        purpose === "bind"
          ? { address: { hostname: "127.0.0.2", port: 0 } }
          : { address: elsewhere.addr, source: { hostname: "127.0.0.2", port: 0 } },
    });
    const fd = await redirected.mustSocket("ipv4", "tcp");
    assert.equal(await redirected.bind(fd, { hostname: "10.9.9.8", port: 80 }), "success");
    const local = await redirected.local(fd);
    assert.equal(typeof local === "string" ? local : local.hostname, "127.0.0.2");
    if (host.kind === "portable") return; // it cannot choose where it comes from
    const client = await redirected.mustSocket("ipv4", "tcp");
    const accepted = elsewhere.accept();
    assert.equal(await redirected.connect(client, { hostname: "10.9.9.9", port: 1 }), "success");
    using peer = await accepted;
    assert.equal((peer.remoteAddr as Deno.NetAddr).hostname, "127.0.0.2");
    assert.equal(await probe.socket("ipv4", "udp"), 3);
  },
  ALLOW_ALL,
);

testSocketHosts(
  "a guest has no more sockets than descriptors, and gets them back",
  async (probe) => {
    const opened: number[] = [];
    let answer = await probe.socket("ipv4", "udp");
    while (typeof answer === "number") {
      opened.push(answer);
      answer = await probe.socket("ipv4", "udp");
    }
    assert.equal(answer, "mfile");
    assert.equal(opened.length, DESCRIPTORS_MAX - 3);
    for (const fd of opened) assert.equal(probe.call("fd_close", fd), "success");
    assert.equal(await probe.socket("ipv4", "tcp"), 3);
  },
);
