import assert from "node:assert/strict";
import type { Wait } from "../host.ts";
import { Vectors } from "../../memory.ts";
import type { HostSocket, SocketAddress, SocketTransfer } from "../socket.ts";
import { LibcHost } from "./libc_host.ts";
import { LibcSocket } from "./libc_socket.ts";
import { LibcSockets } from "./libc_sockets.ts";

/** As many as make the host have them watched. */
const MANY = 200;
const SOON_NS = 1_000_000n;
/** What has been said is there: nobody waits so long. */
const LONG_NS = 10_000_000_000n;
const ATTEMPTS_MAX = 100;
const ANY_PORT: SocketAddress = { ip: Uint8Array.of(127, 0, 0, 1), port: 0 };

/** Two ways to wait, which have to tell the same. A library that is open stays open. */
const HOSTS = Deno.build.os === "linux"
  ? [false, true].map((shares) => LibcHost.open({ sockets: LibcSockets, shares }))
  : [];

const TRANSFER: SocketTransfer = {
  nonblock: true,
  peek: false,
  waitAll: false,
  to: undefined,
  wantsFrom: false,
  from: undefined,
  truncated: false,
};

/** Sockets of datagrams, one descriptor each: what is sent to one makes it readable. */
class Sockets implements Disposable {
  readonly host: LibcHost;
  readonly all: HostSocket[] = [];
  readonly #sender: HostSocket;

  constructor(host: LibcHost) {
    this.host = host;
    this.#sender = this.open();
    while (this.all.length < MANY) this.all.push(this.open());
  }

  open(): HostSocket {
    const socket = this.host.openSocket("ipv4", "udp");
    assert(typeof socket !== "number");
    assert.equal(socket.bind(ANY_PORT), 0);
    return socket;
  }

  /** Makes a socket readable: by this machine's loopback it is at once. */
  say(to: HostSocket): void {
    const address = to.localAddress();
    assert(typeof address !== "number");
    assert.equal(this.#sender.send(oneByte(), { ...TRANSFER, to: address }), 1);
  }

  hear(socket: HostSocket): void {
    assert.equal(socket.receive(oneByte(), { ...TRANSFER }), 1);
  }

  /** Those that are told to be readable, of all but those left out. */
  readable(timeoutNs: bigint, leftOut: readonly HostSocket[] = []): HostSocket[] {
    const waits = this.all.filter((socket) => !leftOut.includes(socket)).map(toRead);
    const answer = this.host.wait(waits, timeoutNs);
    assert(typeof answer === "number" && answer >= 0, `${answer}`);
    return waits.flatMap(({ file, ready }) => ready === undefined ? [] : file as HostSocket);
  }

  [Symbol.dispose](): void {
    for (const socket of [...this.all, this.#sender]) socket.close();
    this.host.rest();
  }
}

function toRead(file: HostSocket): Wait {
  return { file, interest: "read", ready: undefined };
}

function oneByte(): Vectors {
  const bytes = new Vectors();
  bytes.memory = new Uint8Array(1);
  bytes.add(0, 1);
  return bytes;
}

function test(name: string, run: (sockets: Sockets) => void): void {
  Deno.test({
    name,
    ignore: Deno.build.os !== "linux",
    fn(): void {
      for (const host of HOSTS) {
        using sockets = new Sockets(host);
        run(sockets);
      }
    },
  });
}

test("Watched tells who is ready, as often as it is asked, and nobody else", (sockets) => {
  const [one, other] = [sockets.all[3]!, sockets.all[MANY - 1]!];
  assert.deepEqual(sockets.readable(SOON_NS), []);
  sockets.say(one);
  for (let time = 0; time < 3; time++) assert.deepEqual(sockets.readable(LONG_NS), [one]);
  sockets.say(other);
  assert.deepEqual(new Set(sockets.readable(LONG_NS)), new Set([one, other]));
  sockets.hear(one);
  assert.deepEqual(sockets.readable(LONG_NS), [other]);
  sockets.hear(other);
  assert.deepEqual(sockets.readable(SOON_NS), []);
});

test("wait() takes more waits than a process may have descriptors: each is named once", (sockets) => {
  const limits = Deno.readTextFileSync("/proc/self/limits");
  const most = Number(/^Max open files +(\d+)/m.exec(limits)![1]);
  const readable = sockets.all[5]!;
  sockets.say(readable);
  const waits = Array.from({ length: most + MANY }, (_, index): Wait => {
    const file = sockets.all[index % MANY]!;
    return { file, interest: index < MANY ? "read" : "write", ready: undefined };
  });
  assert.equal(sockets.host.wait(waits, LONG_NS), 1 + most);
  for (const { file, interest, ready } of waits) {
    assert.equal(ready?.errno, interest === "write" || file === readable ? 0 : undefined);
  }
});

test("Watched is not woken again and again for who is ready and not waited for", (sockets) => {
  const [one, other] = [sockets.all[3]!, sockets.all[4]!];
  sockets.readable(SOON_NS);
  sockets.say(one);
  sockets.readable(0n, [one]);
  const beganMs = performance.now();
  assert.deepEqual(sockets.readable(50n * SOON_NS, [one]), []);
  assert(performance.now() - beganMs >= 45, "it has waited");
  sockets.say(other);
  assert.deepEqual(sockets.readable(LONG_NS, [one]), [other]);
  assert.deepEqual(new Set(sockets.readable(LONG_NS)), new Set([one, other]));
});

test("Watched knows a descriptor by whose it is: its number comes again", (sockets) => {
  let gone: HostSocket;
  let next = sockets.all[7]!;
  // The kernel gives the lowest number, unless another thread of this process is quicker.
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    sockets.readable(SOON_NS);
    gone = next;
    gone.close();
    next = sockets.all[7] = sockets.open();
    if (numberOf(next) === numberOf(gone)) break;
  }
  assert.equal(numberOf(next), numberOf(gone!));
  sockets.readable(SOON_NS);
  sockets.say(next);
  assert.deepEqual(sockets.readable(LONG_NS), [next]);
});

test("Watched tells of each of two waits for one socket what it asked for", (sockets) => {
  const { host, all } = sockets;
  const waits = all.map(toRead);
  const write: Wait = { file: all[5]!, interest: "write", ready: undefined };
  assert.equal(host.wait([...waits, write], LONG_NS), 1);
  assert(write.ready !== undefined);
  assert(waits.every(({ ready }) => ready === undefined));
  sockets.say(all[5]!);
  const read = all.map(toRead);
  host.wait(read, LONG_NS);
  const told = read.filter(({ ready }) => ready !== undefined);
  assert.deepEqual(told.map(({ file, ready }) => [file, ready?.bytes]), [[all[5], 1n]]);
  const [both, again] = [all.map(toRead), { ...write, ready: undefined }];
  host.wait([...both, again], LONG_NS);
  assert(both[5]!.ready !== undefined && again.ready !== undefined);
});

test("Watched begins anew after a rest", (sockets) => {
  sockets.readable(SOON_NS);
  sockets.host.rest();
  sockets.say(sockets.all[9]!);
  assert.deepEqual(sockets.readable(LONG_NS), [sockets.all[9]]);
});

function numberOf(socket: HostSocket): number {
  assert(socket instanceof LibcSocket);
  return socket.fd;
}
