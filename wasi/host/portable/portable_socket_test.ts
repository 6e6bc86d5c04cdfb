import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { RIGHTS_ALL } from "../../abi.ts";
import { SocketDescriptor } from "../../descriptors/socket.ts";
import { ERRNO, errnoName } from "../../errno.ts";
import { DATAGRAM_BYTES_MAX, LINGER_MS_MAX, SOCKET_BYTES_MAX } from "../../limits.ts";
import { Vectors } from "../../memory.ts";
import { turn } from "../../guest/turn.ts";
import type { Wait } from "../host.ts";
import type { HostSocket, SocketAddress, SocketTransfer } from "../socket.ts";
import { PortableHost } from "./portable_host.ts";
import { Changes } from "./portable_socket.ts";

const LOCAL = Uint8Array.of(127, 0, 0, 1);

/** A guest's host whose sockets are closed at the end of the test. */
class Guest implements Disposable {
  readonly host = new PortableHost({ suspends: true });
  readonly #sockets: HostSocket[] = [];

  open(protocol: "tcp" | "udp" = "tcp", family: "ipv4" | "ipv6" = "ipv4"): HostSocket {
    return this.keep(this.host.openSocket(family, protocol));
  }

  keep(socket: HostSocket | number): HostSocket {
    if (typeof socket === "number") throw new Error(`no socket: ${errnoName(-socket)}`);
    this.#sockets.push(socket);
    return socket;
  }

  /** A socket that listens on any port of this machine. */
  listen(): { listener: HostSocket; address: SocketAddress } {
    const listener = this.open();
    assert.equal(listener.bind({ ip: LOCAL, port: 0 }), 0);
    assert.equal(listener.listen(8), 0);
    return { listener, address: addressOf(listener) };
  }

  /** Both ends of a connection. */
  async pair(): Promise<readonly [HostSocket, HostSocket]> {
    const { listener, address } = this.listen();
    const client = this.open();
    assert.equal(await client.connect(address, { nonblock: false }), 0);
    return [client, this.keep(await listener.accept({ nonblock: false }))];
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.close();
    this.host.end();
  }
}

function addressOf(socket: HostSocket): SocketAddress {
  const address = socket.localAddress();
  assert.ok(typeof address === "object");
  return address;
}

function vectors(...buffers: readonly Uint8Array[]): Vectors {
  const vectors = new Vectors();
  const memory = new Uint8Array(buffers.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const buffer of buffers) {
    memory.set(buffer, at);
    vectors.add(at, buffer.length);
    at += buffer.length;
  }
  vectors.memory = memory;
  return vectors;
}

function transfer(wanted: Partial<SocketTransfer> = {}): SocketTransfer {
  return {
    nonblock: false,
    peek: false,
    waitAll: false,
    to: undefined,
    wantsFrom: false,
    from: undefined,
    truncated: false,
    ...wanted,
  };
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

async function send(
  socket: HostSocket,
  text: string | Uint8Array,
  wanted: Partial<SocketTransfer> = {},
): Promise<number | string> {
  const bytes = typeof text === "string" ? bytesOf(text) : text;
  const answer = await socket.send(vectors(bytes), transfer(wanted));
  return answer < 0 ? errnoName(-answer) : answer;
}

/** Receives into two buffers; the text, or the name of the errno after a minus. */
async function receive(
  socket: HostSocket,
  count: number,
  wanted: Partial<SocketTransfer> = {},
): Promise<string> {
  const half = count >> 1;
  const into = vectors(new Uint8Array(half), new Uint8Array(count - half));
  const answer = await socket.receive(into, transfer(wanted));
  if (answer < 0) return `-${errnoName(-answer)}`;
  return new TextDecoder().decode(into.memory.subarray(0, answer));
}

function waitFor(socket: HostSocket, interest: Wait["interest"]): Wait {
  return { file: socket, interest, ready: undefined };
}

Deno.test("a stream carries bytes both ways, and each end on its own", async () => {
  using guest = new Guest();
  const [client, server] = await guest.pair();
  assert.equal(await send(client, "hello"), 5);
  assert.equal(await receive(server, 3), "hel");
  assert.equal(await receive(server, 10, { peek: true }), "lo");
  assert.equal(await receive(server, 10), "lo");
  assert.equal(client.shutdown(2), 0);
  assert.equal(await receive(server, 10), "");
  assert.equal(await send(client, "x"), "pipe");
  assert.equal(await send(server, "still"), 5);
  assert.equal(await receive(client, 10), "still");
  assert.deepEqual(server.peerAddress(), client.localAddress());
});

Deno.test("receive() finds what has come, and answers again without waiting", async () => {
  using guest = new Guest();
  const [client, server] = await guest.pair();
  assert.equal(await receive(server, 10, { nonblock: true }), "-again");
  assert.equal(await send(client, "now"), 3);
  while (await receive(server, 10, { nonblock: true, peek: true }) === "-again");
  assert.equal(await receive(server, 10, { nonblock: true }), "now");
});

Deno.test("receive() waits for all bytes if told to, or for the end", async () => {
  using guest = new Guest();
  const [client, server] = await guest.pair();
  const all = receive(server, 6, { waitAll: true });
  assert.equal(await send(client, "abc"), 3);
  await turn();
  assert.equal(await send(client, "def"), 3);
  assert.equal(await all, "abcdef");
  const rest = receive(server, 6, { waitAll: true });
  await send(client, "gh");
  client.shutdown(2);
  assert.equal(await rest, "gh");
});

Deno.test("send() takes a bounded number of bytes that nobody reads", async () => {
  using guest = new Guest();
  const [client, server] = await guest.pair();
  const megabyte = new Uint8Array(1_048_576).fill(97);
  let taken = 0;
  while (true) {
    const answer = await send(client, megabyte, { nonblock: true });
    if (answer === "again") break;
    assert.ok(Number(answer) > 0 && Number(answer) <= SOCKET_BYTES_MAX);
    taken += Number(answer);
  }
  const wait = waitFor(client, "write");
  assert.equal(await guest.host.wait([wait], 0n), 0);
  const closing = client.close();
  assert.equal(closing, 0);
  let read = 0;
  while (true) {
    const text = await receive(server, 1_048_576);
    if (text === "") break;
    read += text.length;
  }
  assert.equal(read, taken, "what was sent goes its way after close()");
});

Deno.test("send() waits until all bytes are taken", async () => {
  using guest = new Guest();
  const [client, server] = await guest.pair();
  const bytes = Uint8Array.from({ length: 3_000_000 }, (_, index) => 97 + index % 26);
  const sending = send(client, bytes);
  let read = "";
  while (read.length < bytes.length) read += await receive(server, 100_000);
  assert.equal(await sending, bytes.length);
  assert.equal(read, new TextDecoder().decode(bytes));
});

Deno.test("a reader and a writer wait on one socket at the same time", async () => {
  using guest = new Guest();
  const [client, server] = await guest.pair();
  const reading = receive(client, 10);
  const writing = send(client, new Uint8Array(10_000_000));
  assert.equal(await send(server, "reply"), 5);
  assert.equal(await reading, "reply");
  client.close();
  assert.equal(await writing, "badf");
});

Deno.test("close() tells those who wait", async () => {
  using guest = new Guest();
  const [client] = await guest.pair();
  const { listener } = guest.listen();
  const datagram = guest.open("udp");
  assert.equal(datagram.bind({ ip: LOCAL, port: 0 }), 0);
  const waiting = [receive(client, 1), receive(datagram, 1)];
  const accepting = listener.accept({ nonblock: false });
  const wait = waitFor(client, "read");
  const polling = guest.host.wait([wait], undefined);
  for (const socket of [client, datagram, listener]) socket.close();
  assert.deepEqual(await Promise.all(waiting), ["-badf", "-badf"]);
  assert.equal(await accepting, -ERRNO.badf);
  assert.equal(await polling, 1);
  assert.equal(wait.ready?.errno, ERRNO.badf);
});

Deno.test("a peer that resets the connection is told once, then there is the end", async () => {
  using guest = new Guest();
  const server = createServer((peer) => peer.once("data", () => peer.resetAndDestroy()));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const client = guest.open();
  assert.equal(await client.connect({ ip: LOCAL, port }, { nonblock: false }), 0);
  await send(client, "something");
  assert.equal(await receive(client, 1), "-connreset");
  assert.equal(await receive(client, 1), "");
  while (await send(client, "x") === 1) await turn();
  assert.equal(await send(client, "x"), "pipe");
  server.close();
  await once(server, "close");
});

Deno.test("connect() tells why it cannot, with and without waiting", async () => {
  using guest = new Guest();
  const { listener, address } = guest.listen();
  const taken = guest.open();
  assert.equal(taken.bind(address), -errnoOfName("addrinuse"));
  listener.close();
  const client = guest.open();
  assert.equal(await client.connect(address, { nonblock: false }), -errnoOfName("connrefused"));
  const other = guest.open();
  assert.equal(other.connect(address, { nonblock: true }), -ERRNO.inprogress);
  assert.equal(other.connect(address, { nonblock: true }), -ERRNO.already);
  assert.equal(other.getOption("error"), 0);
  const wait = waitFor(other, "write");
  while (await guest.host.wait([wait], undefined) === 0);
  assert.equal(other.getOption("error"), errnoOfName("connrefused"));
  assert.equal(other.getOption("error"), 0);
  assert.equal(await receive(other, 1), "-notconn");
});

Deno.test("connect() without waiting becomes ready to write", async () => {
  using guest = new Guest();
  const { listener, address } = guest.listen();
  const client = guest.open();
  assert.equal(client.connect(address, { nonblock: true }), -ERRNO.inprogress);
  const wait = waitFor(client, "write");
  while (await guest.host.wait([wait], undefined) === 0);
  assert.equal(client.getOption("error"), 0);
  assert.equal(await client.connect(address, { nonblock: false }), -ERRNO.isconn);
  assert.equal(client.setOption("noDelay", 1), 0);
  assert.equal(client.getOption("noDelay"), 1);
  guest.keep(await listener.accept({ nonblock: true }));
});

Deno.test("connect() leaves from the address that was bound or given", async () => {
  using guest = new Guest();
  const { listener, address } = guest.listen();
  const source = Uint8Array.of(127, 0, 0, 2);
  for (const bound of [true, false]) {
    const client = guest.open();
    if (bound) assert.equal(client.bind({ ip: source, port: 0 }), 0);
    const port = bound ? addressOf(client).port : 0;
    const from = bound ? {} : { source: { ip: source, port: 0 } };
    assert.equal(await client.connect(address, { nonblock: false, ...from }), 0);
    const server = guest.keep(await listener.accept({ nonblock: false }));
    const peer = server.peerAddress() as SocketAddress;
    assert.deepEqual(peer.ip, source);
    if (bound) assert.equal(peer.port, port);
    assert.deepEqual(client.localAddress(), peer);
    assert.equal(await send(client, "ping"), 4);
    assert.equal(await receive(server, 10), "ping");
    assert.equal(await send(server, "pong"), 4);
    server.shutdown(2);
    assert.equal(await receive(client, 2), "po");
    assert.equal(await receive(client, 10), "ng");
    assert.equal(await receive(client, 10), "");
    client.shutdown(2);
    assert.equal(await receive(server, 10), "");
  }
  const refused = guest.open();
  const nobody = { ip: LOCAL, port: 1 };
  const from = { nonblock: false, source: { ip: source, port: 0 } };
  assert.equal(await refused.connect(nobody, from), -errnoOfName("connrefused"));
});

Deno.test("wait() answers for the socket that is ready, or when the time has passed", async () => {
  using guest = new Guest();
  const [client, server] = await guest.pair();
  const { listener, address } = guest.listen();
  const waits = [waitFor(server, "read"), waitFor(listener, "read")];
  const begin = performance.now();
  assert.equal(await guest.host.wait(waits, 20_000_000n), 0);
  assert.ok(performance.now() - begin >= 19);
  const first = guest.host.wait(waits, undefined);
  await send(client, "four");
  assert.equal(await first, 1);
  assert.deepEqual(waits[0]!.ready, { errno: 0, bytes: 4n, hangup: false });
  assert.equal(waits[1]!.ready, undefined);
  await receive(server, 4);
  const second = guest.host.wait(waits, undefined);
  await guest.open().connect(address, { nonblock: false });
  assert.equal(await second, 1);
  assert.deepEqual(waits.map(({ ready }) => ready?.errno), [undefined, 0]);
  assert.equal(await guest.host.wait([waitFor(server, "write")], undefined), 1);
});

Deno.test("datagrams keep their borders and tell who sent them", async () => {
  using guest = new Guest();
  const [one, two] = [guest.open("udp"), guest.open("udp")];
  assert.equal(one.bind({ ip: LOCAL, port: 0 }), 0);
  assert.equal(two.bind(addressOf(one)), -errnoOfName("addrinuse"));
  const to = addressOf(one);
  assert.equal(await receive(one, 4, { nonblock: true }), "-again");
  for (const text of ["first", "", "second"]) {
    assert.equal(await send(two, text, { to }), text.length);
  }
  const wanted = transfer({ wantsFrom: true });
  const into = vectors(new Uint8Array(4));
  assert.equal(await one.receive(into, wanted), 4);
  assert.ok(wanted.truncated);
  assert.equal(wanted.from?.port, addressOf(two).port);
  assert.deepEqual(wanted.from?.ip, LOCAL);
  assert.equal(await receive(one, 10), "");
  assert.equal(await receive(one, 10, { peek: true }), "second");
  assert.equal(await receive(one, 10), "second");
  assert.equal(await send(two, new Uint8Array(70_000), { to }), "msgsize");
  assert.equal(await send(two, "x"), "destaddrreq");
});

Deno.test("two who wait for datagrams are each told who sent theirs", async () => {
  using guest = new Guest();
  const [one, two, three] = [guest.open("udp"), guest.open("udp"), guest.open("udp")];
  for (const socket of [one, two, three]) assert.equal(socket.bind({ ip: LOCAL, port: 0 }), 0);
  const descriptor = new SocketDescriptor(one, { rights: RIGHTS_ALL, inheriting: 0, flags: 0 });
  const told = [1, 2].map(async () => {
    const own = descriptor.transfer();
    own.wantsFrom = true;
    await descriptor.receive(vectors(new Uint8Array(8)), own);
    return () => own.from?.port; // looked at when both have been told
  });
  await send(two, "two", { to: addressOf(one) });
  await send(three, "three", { to: addressOf(one) });
  const ports = (await Promise.all(told)).map((port) => port());
  assert.deepEqual(ports, [addressOf(two).port, addressOf(three).port]);
});

Deno.test("a socket keeps so many bytes of datagrams, and loses the next ones", async () => {
  using guest = new Guest();
  const [one, two] = [guest.open("udp"), guest.open("udp")];
  assert.equal(one.bind({ ip: LOCAL, port: 0 }), 0);
  assert.ok("changes" in one && one.changes instanceof Changes);
  const big = new Uint8Array(16_384);
  const sizes = Array.from({ length: DATAGRAM_BYTES_MAX / big.length }, () => big.length);
  for (const _ of sizes) {
    const arrived = one.changes.next();
    await send(two, big, { to: addressOf(one) });
    await arrived;
  }
  const arrived = one.changes.next();
  await send(two, big, { to: addressOf(one) }); // too much
  await send(two, "", { to: addressOf(one) });
  await arrived;
  for (const size of [...sizes, 0]) {
    assert.equal(await one.receive(vectors(big), transfer()), size);
  }
});

Deno.test("datagrams of strangers are dropped once the peer is named", async () => {
  using guest = new Guest();
  const [one, two, three] = [guest.open("udp"), guest.open("udp"), guest.open("udp")];
  for (const socket of [one, two, three]) assert.equal(socket.bind({ ip: LOCAL, port: 0 }), 0);
  assert.equal(await one.connect(addressOf(two), { nonblock: false }), 0);
  await send(three, "stranger", { to: addressOf(one) });
  await send(two, "friend", { to: addressOf(one) });
  assert.equal(await receive(one, 10), "friend");
  assert.equal(await send(one, "hello"), 5);
  assert.equal(await receive(two, 10), "hello");
  assert.deepEqual(one.peerAddress(), two.localAddress());
});

Deno.test("a datagram socket that could not be bound can be bound elsewhere", () => {
  using guest = new Guest();
  const [one, two] = [guest.open("udp"), guest.open("udp")];
  assert.equal(one.bind({ ip: LOCAL, port: 0 }), 0);
  assert.equal(two.bind(addressOf(one)), -errnoOfName("addrinuse"));
  assert.equal(two.bind({ ip: LOCAL, port: 0 }), 0);
  assert.equal(two.bind({ ip: LOCAL, port: 0 }), -ERRNO.inval);
});

Deno.test({
  name: "what the process may not reach is acces, and never an uncaught error",
  permissions: { read: true, env: true, sys: true, net: ["127.0.0.1", "0.0.0.0"] },
  fn: async () => {
    using guest = new Guest();
    const to = { ip: Uint8Array.of(127, 0, 0, 2), port: 9 };
    const source = { ip: Uint8Array.of(127, 0, 0, 3), port: 0 };
    assert.equal(guest.open().bind(to), -ERRNO.acces);
    assert.equal(await guest.open().connect(to, { nonblock: false }), -ERRNO.acces);
    const { address } = guest.listen();
    assert.equal(await guest.open().connect(address, { nonblock: false, source }), -ERRNO.acces);
    assert.equal(guest.open("udp").bind(to), -ERRNO.acces);
    assert.equal(await send(guest.open("udp"), "x", { to }), "acces");
  },
});

Deno.test("IPv6 sockets take IPv4 as well, under its mapped address", async () => {
  using guest = new Guest();
  const listener = guest.open("tcp", "ipv6");
  assert.equal(listener.bind({ ip: LOCAL, port: 0 }), -ERRNO.afnosupport);
  assert.equal(listener.listen(1), 0);
  const client = guest.open();
  const { port } = addressOf(listener);
  assert.equal(await client.connect({ ip: LOCAL, port }, { nonblock: false }), 0);
  const server = guest.keep(await listener.accept({ nonblock: false }));
  const peer = server.peerAddress() as SocketAddress;
  assert.deepEqual([...peer.ip.subarray(10)], [0xff, 0xff, 127, 0, 0, 1]);
});

Deno.test("a closed socket whose peer does not read is given up after a time", async () => {
  using guest = new Guest();
  const [client] = await guest.pair();
  while (await send(client, new Uint8Array(SOCKET_BYTES_MAX), { nonblock: true }) !== "again");
  client.close();
  const begin = performance.now();
  setTimeout(() => guest.host.end(), 20);
  await guest.host.finish();
  assert.ok(performance.now() - begin < LINGER_MS_MAX);
});

function errnoOfName(name: string): number {
  for (let errno = 0; errno < 80; errno++) if (errnoName(errno) === name) return errno;
  throw new Error(`no errno ${name}`);
}
