import assert from "node:assert/strict";
import { createSocket, type Socket as Datagrams } from "node:dgram";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { EVENT, FDFLAG, RIGHTS_ALL } from "../abi.ts";
import { SocketDescriptor } from "../descriptors/socket.ts";
import { ERRNO } from "../errno.ts";
import type { Answer } from "../host/host.ts";
import type { HostSocket } from "../host/socket.ts";
import { LibcHost } from "../host/libc/libc_host.ts";
import { LibcSocket } from "../host/libc/libc_socket.ts";
import { LibcSockets } from "../host/libc/libc_sockets.ts";
import type { AddressDecision, AddressRequest } from "../network/decision.ts";
import type { NetworkNews } from "../network/news.ts";
import { Vectors } from "../memory.ts";
import { parseIp } from "../network/ip.ts";
import type { WasiOptions } from "../options.ts";
import { FREE } from "../testing/probe.ts";
import { readText, SocketProbe, testSocketHosts } from "../testing/socket_probe.ts";

const LOCAL = "127.0.0.1";
const FRIEND = "127.0.0.4";
const STRANGER = "127.0.0.5";

/** News that a test can change; nobody is woken for them unless they have a descriptor. */
class News implements NetworkNews {
  /** Nothing comes after the first news. */
  descriptor: number | undefined;
  guarded = true;
  closing = false;
  heard = false;

  constructor(descriptor?: number) {
    this.descriptor = descriptor;
  }

  look(): { guarded: boolean; closing: boolean } {
    this.heard = false;
    if (this.closing) this.descriptor = undefined;
    return { guarded: this.guarded, closing: this.closing };
  }
}

/** Options of a guest that only {@linkcode FRIEND} may come to, while it is guarded; and what was asked. */
function guarding(): { news: News; asked: AddressRequest[]; options: WasiOptions } {
  const news = new News();
  const asked: AddressRequest[] = [];
  const allowAddress = (request: AddressRequest): boolean => {
    if (request.purpose !== "accept") return true;
    asked.push(request);
    return request.address.hostname === FRIEND;
  };
  return { news, asked, options: { allowAddress, networkNews: news } };
}

/** A connection of the test's own, from an address of this machine. */
async function comeFrom(localAddress: string, port: number): Promise<Socket> {
  const socket = connect({ host: LOCAL, port, localAddress });
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

async function leave(socket: Socket): Promise<void> {
  if (socket.destroyed) return;
  const closed = once(socket, "close");
  socket.destroy();
  await closed;
}

/** Accepts, and waits if the guest itself would not. */
async function accept(probe: SocketProbe, fd: number): Promise<number | string> {
  for (;;) {
    const accepted = await probe.accept(fd);
    if (accepted !== "again") return accepted;
    await readable(probe, fd);
  }
}

async function readable(probe: SocketProbe, fd: number): Promise<void> {
  probe.bytes.fill(0, FREE, FREE + 48);
  probe.view.setUint8(FREE + 8, EVENT.fdRead);
  probe.view.setUint32(FREE + 16, fd, true);
  assert.equal(await probe.callLong("poll_oneoff", FREE, FREE + 64, 1, FREE + 128), "success");
}

for (const nonblock of [false, true]) {
  const how = nonblock ? "without waiting" : "and waits";
  testSocketHosts(`sock_accept() passes over whom it may not take, ${how}`, async (_, host) => {
    const { news, asked, options } = guarding();
    using probe = new SocketProbe(host, options);
    const { fd, port } = await probe.mustListen();
    if (nonblock) assert.equal(probe.call("fd_fdstat_set_flags", fd, FDFLAG.nonblock), "success");
    const stranger = await comeFrom(STRANGER, port);
    const refused = once(stranger, "close");
    stranger.resume();
    const friend = await comeFrom(FRIEND, port);
    const accepted = await accept(probe, fd);
    assert.ok(typeof accepted === "number", String(accepted));
    assert.deepEqual(await probe.peer(accepted), {
      hostname: FRIEND,
      port: friend.address() && (friend.address() as { port: number }).port,
    });
    assert.deepEqual(asked.map(({ address }) => address.hostname), [STRANGER, FRIEND]);
    assert.deepEqual(asked.map(({ protocol, local }) => ({ protocol, local })), [
      { protocol: "tcp", local: { hostname: LOCAL, port } },
      { protocol: "tcp", local: { hostname: LOCAL, port } },
    ]);
    await refused;
    news.guarded = false;
    const anybody = await comeFrom(STRANGER, port);
    assert.equal(typeof await accept(probe, fd), "number");
    assert.equal(asked.length, 2, "nobody is asked while everybody may come");
    await leave(friend);
    await leave(anybody);
  });
}

async function datagramsFrom(address: string): Promise<Datagrams> {
  const socket = createSocket("udp4");
  socket.bind(0, address);
  await once(socket, "listening");
  return socket;
}

async function close(...sockets: Datagrams[]): Promise<void> {
  for (const socket of sockets) {
    const closed = once(socket, "close");
    socket.close();
    await closed;
  }
}

function send(from: Datagrams, text: string, port: number): Promise<unknown> {
  return new Promise((resolve) => from.send(text, port, LOCAL, resolve));
}

testSocketHosts(
  "datagrams are passed over that may not be read, and peeked at",
  async (_, host) => {
    const { asked, options } = guarding();
    using probe = new SocketProbe(host, options);
    const fd = await probe.mustSocket("ipv4", "udp");
    assert.equal(await probe.bind(fd, { hostname: LOCAL, port: 0 }), "success");
    const { port } = await probe.local(fd) as { port: number };
    const [stranger, friend] = [await datagramsFrom(STRANGER), await datagramsFrom(FRIEND)];
    const from = { hostname: FRIEND, port: friend.address().port };
    for (const times of [1, 2]) {
      for (let count = 0; count < times; count++) await send(stranger, "strange", port);
      await send(friend, "friendly", port);
      assert.deepEqual(await probe.receive(fd, 8, 1), { text: "friendly", truncated: false });
      assert.deepEqual(await probe.receiveFrom(fd, 64), {
        text: "friendly",
        truncated: false,
        from,
      });
    }
    await send(stranger, "strange", port);
    await send(friend, "short", port);
    assert.deepEqual(await probe.receive(fd, 8), { text: "short", truncated: false });
    for (const flags of [1, 0]) {
      if (flags === 1) await send(stranger, "a long secret", port);
      if (flags === 1) await send(friend, "short", port);
      assert.deepEqual(await probe.receive(fd, 64, flags), { text: "short", truncated: false });
      const memory = new TextDecoder("latin1").decode(probe.bytes);
      assert.ok(
        memory.includes("ort") && !memory.includes("secret"),
        "it is nowhere in its memory",
      );
    }
    assert.deepEqual(asked[0]!.local, { hostname: LOCAL, port });
    assert.equal(asked[0]!.protocol, "udp");
    await close(stranger, friend);
  },
);

testSocketHosts(
  "whom a guest has sent to may answer, by the name that it knows",
  async (_, host) => {
    const peer = await datagramsFrom(STRANGER);
    const there = { hostname: STRANGER, port: peer.address().port };
    const asked: string[] = [];
    using probe = new SocketProbe(host, {
      networkNews: new News(),
      allowAddress({ purpose }): AddressDecision {
        asked.push(purpose);
        return purpose === "bind" ? true : purpose === "accept" ? false : { address: there };
      },
    });
    const service = { hostname: "10.96.0.10", port: 53 };
    for (const connects of [false, true]) {
      const fd = await probe.mustSocket("ipv4", "udp");
      assert.equal(await probe.bind(fd, { hostname: "0.0.0.0", port: 0 }), "success");
      const { hostname, port } = await probe.local(fd) as { hostname: string; port: number };
      assert.equal(hostname, "0.0.0.0");
      const question = once(peer, "message");
      if (connects) {
        assert.equal(await probe.connect(fd, service), "success");
        assert.deepEqual(await probe.peer(fd), service);
        assert.equal(await probe.send(fd, "who?"), 4);
      } else assert.equal(await probe.sendTo(fd, "who?", service), 4);
      await question;
      await send(peer, "me", port);
      const answer = await probe.receiveFrom(fd, 64);
      assert.deepEqual(answer, { text: "me", truncated: false, from: service });
    }
    assert.equal(asked.includes("accept"), false);
    await close(peer);
  },
);

testSocketHosts("a guest sees addresses as it knows them", async (_, host) => {
  const STAND_IN = "127.0.0.9";
  using probe = new SocketProbe(host, {
    loopback: STAND_IN,
    allowAddress: ({ address: { hostname, port } }) => ({
      address: {
        hostname: hostname === LOCAL || hostname === "0.0.0.0" ? STAND_IN : hostname,
        port,
      },
    }),
  });
  const at = async (hostname: string): Promise<{ fd: number; port: number }> => {
    const fd = await probe.mustSocket(hostname.includes(":") ? "ipv6" : "ipv4", "tcp");
    assert.equal(await probe.bind(fd, { hostname, port: 0 }), "success");
    const local = await probe.local(fd);
    assert.ok(typeof local !== "string", String(local));
    assert.equal(local.hostname, hostname);
    assert.equal(await probe.callLong("sock_listen", fd, 4), "success");
    assert.deepEqual(await probe.local(fd), { hostname, port: local.port || (await port(fd)) });
    return { fd, port: await port(fd) };
  };
  const port = async (fd: number): Promise<number> =>
    (await probe.local(fd) as { port: number }).port;
  await at("::ffff:127.0.0.1");
  await at("0.0.0.0");
  const listener = await at(LOCAL);
  using _peer = await Deno.connect({ hostname: STAND_IN, port: listener.port });
  const accepted = await accept(probe, listener.fd) as number;
  assert.deepEqual(await probe.local(accepted), { hostname: LOCAL, port: listener.port });
  const client = await probe.mustSocket("ipv4", "tcp");
  const to = { hostname: LOCAL, port: listener.port };
  assert.equal(await probe.connect(client, to), "success");
  assert.deepEqual(await probe.peer(client), to);
});

testSocketHosts("a refusal has the errno that its reason names", async (_, host) => {
  let refused = "acces";
  using probe = new SocketProbe(host, {
    allowAddress: () => ({ refused } as { refused: "acces" }),
  });
  const stream = await probe.mustSocket("ipv4", "tcp");
  const datagrams = await probe.mustSocket("ipv4", "udp");
  const somewhere = { hostname: "10.0.0.1", port: 80 };
  for (refused of ["acces", "addrinuse", "addrnotavail", "connrefused", "hostunreach", "netdown"]) {
    assert.equal(await probe.bind(stream, somewhere), refused);
    assert.equal(await probe.connect(stream, somewhere), refused);
    assert.equal(await probe.sendTo(datagrams, "x", somewhere), refused);
  }
});

/** A host of its own, a guest in it, and a descriptor that can be made readable. */
async function withDescriptor(
  host: LibcHost,
  run: (
    it: { probe: SocketProbe; news: News; ring: () => Promise<void> },
  ) => Promise<void>,
): Promise<void> {
  const bell = host.openSocket("ipv4", "udp");
  assert.ok(bell instanceof LibcSocket);
  bell.bind({ ip: parseIp(LOCAL)!, port: 0 });
  const news = new News(bell.fd);
  news.guarded = false;
  const bellAt = bell.localAddress() as { port: number };
  const ringer = createSocket("udp4");
  const ring = async (): Promise<void> => {
    await new Promise((resolve) => ringer.send("!", bellAt.port, LOCAL, resolve));
  };
  try {
    using probe = new SocketProbe(host, { allowAddress: () => true, networkNews: news });
    host.heed(news);
    await run({ probe, news, ring });
  } finally {
    host.heed(undefined);
    bell.close();
    await close(ringer);
  }
}

/** Opened here, because a library stays open for good and would look like a leak. */
const [libc, otherThread] = Deno.build.os === "linux"
  ? [LibcHost.open({ sockets: LibcSockets }), LibcHost.open({ sockets: LibcSockets })]
  : [];

Deno.test({
  name: "news that come while a guest waits to accept end that, and connections go on",
  ignore: libc === undefined,
  async fn(): Promise<void> {
    await withDescriptor(libc!, async ({ probe, news, ring }) => {
      const { fd, port } = await probe.mustListen();
      const idle = await probe.mustListen();
      using peer = await Deno.connect({ hostname: LOCAL, port });
      const connection = await probe.accept(fd) as number;
      news.closing = true;
      await ring();
      assert.equal(await probe.accept(fd), "inval", "it would wait for ever");
      const sinceMs = performance.now();
      for (let times = 0; times < 3; times++) assert.equal(await probe.accept(fd), "inval");
      assert.ok(performance.now() - sinceMs > 250, "who does not believe it is made to wait");
      await assert.rejects(Deno.connect({ hostname: LOCAL, port }), Deno.errors.ConnectionRefused);
      await assert.rejects(Deno.connect({ hostname: LOCAL, port: idle.port }));
      assert.equal(await probe.send(connection, "still here"), 10);
      assert.equal(await readText(peer, 10), "still here");
      const late = await probe.mustListen();
      assert.equal(await probe.accept(late.fd), "inval", "what listens later is closed as well");
    });
  },
});

Deno.test({
  name: "news that was taken in with something else wakes nobody, and is heeded",
  ignore: libc === undefined,
  async fn(): Promise<void> {
    await withDescriptor(libc!, async ({ probe, news }) => {
      const { fd } = await probe.mustListen();
      [news.closing, news.heard] = [true, true];
      assert.equal(await probe.accept(fd), "inval", "it would wait for ever");
    });
  },
});

Deno.test({
  name: "poll_oneoff() tells of a listener that was shut down while it waited",
  ignore: libc === undefined,
  async fn(): Promise<void> {
    await withDescriptor(libc!, async ({ probe, news, ring }) => {
      const { fd } = await probe.mustListen();
      assert.equal(probe.call("fd_fdstat_set_flags", fd, FDFLAG.nonblock), "success");
      news.closing = true;
      await ring();
      await readable(probe, fd);
      assert.equal(await probe.accept(fd), "inval");
    });
  },
});

const SENDS = { rights: RIGHTS_ALL, inheriting: 0, flags: 0 } as const;

/**
 * A socket that has the number of one that listened, which another thread has closed. The kernel gives the lowest
 * number, unless another thread of this process is quicker: then once more.
 */
function withNumberOfListener(): LibcSocket {
  for (let attempt = 0; attempt < 100; attempt++) {
    const listener = libc!.openSocket("ipv4", "tcp") as LibcSocket;
    listener.bind({ ip: parseIp(LOCAL)!, port: 0 });
    assert.equal(listener.listen(1), 0);
    const { fd } = listener;
    assert.equal(otherThread!.adoptSocket({ fd, family: "ipv4", protocol: "tcp" }).close(), 0);
    const next = libc!.openSocket("ipv4", "tcp") as LibcSocket;
    if (next.fd === fd) return next;
    next.close();
  }
  assert.fail("no socket got the number of the last one");
}

Deno.test({
  name: "stopListening() leaves a connection alone that has the number of what listened",
  ignore: libc === undefined,
  fn(): void {
    using server = Deno.listen({ hostname: LOCAL, port: 0 });
    const ip = parseIp(LOCAL)!;
    const connection = withNumberOfListener();
    assert.equal(connection.connect({ ip, port: server.addr.port }, { nonblock: false }), 0);
    try {
      libc!.stopListening();
      const text = new Vectors();
      text.memory = new TextEncoder().encode("!");
      text.add(0, 1);
      assert.equal(connection.send(text, new SocketDescriptor(connection, SENDS).transfer()), 1);
    } finally {
      libc!.heed(undefined);
      connection.close();
    }
  },
});

/** What a connection is whose peer has gone. */
const GONE = {
  peerAddress: (): Answer => -ERRNO.notconn,
  localAddress: (): Answer => -ERRNO.notconn,
  close: (): Answer => 0,
};

Deno.test({
  name: "sock_accept() passes over any number of strangers",
  ignore: libc === undefined,
  async fn(): Promise<void> {
    using probe = new SocketProbe(libc!, guarding().options);
    const { fd } = await probe.mustListen();
    const { accept } = LibcSocket.prototype;
    let strangers = 0;
    LibcSocket.prototype.accept = function (): HostSocket | Answer {
      if (strangers++ === 100_000) return -ERRNO.again;
      return Object.assign(Object.create(this), GONE);
    };
    try {
      assert.equal(await probe.accept(fd), "again");
    } finally {
      LibcSocket.prototype.accept = accept;
    }
  },
});
