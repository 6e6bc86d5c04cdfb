import { RIGHT, RIGHTS_CONNECTION, RIGHTS_LISTENER, ROFLAG_TRUNCATED } from "../abi.ts";
import type { SocketDescriptor } from "../descriptors/socket.ts";
import { ERRNO } from "../errno.ts";
import type { Answer, Eventual } from "../host/host.ts";
import { type HostSocket, isAt, type SocketAddress } from "../host/socket.ts";
import { BACKLOG_MAX } from "../limits.ts";
import type { GuestMemory, Vectors } from "../memory.ts";
import { type Allowed, decideAddress, type Soon } from "../network/decision.ts";
import { Correspondents, shownAddress } from "../network/incoming.ts";
import { mapIp } from "../network/ip.ts";
import { Refusal } from "../refusal.ts";
import { addSocket, receiving, socketOf, toldBytes } from "./sock.ts";
import { ADDRESS_FAMILY, AddressBuffer, readAddress } from "./sock_address.ts";
import { type Calls, errnoOfAnswer, type GuestState } from "./state.ts";

/** `socket_type`. */
const SOCKET_TYPE = { any: 0, datagram: 1, stream: 2 } as const;
const ANY_IP = { ipv4: new Uint8Array(4), ipv6: new Uint8Array(16) } as const;

/**
 * What WasmEdge adds to the `sock_*` of preview 1: sockets that the guest opens itself. Two versions
 * of it are about. They differ in how many parameters a function has, and each is answered in its
 * own way.
 */
export function sockExtensionCalls(state: GuestState): Calls {
  const { memory, table } = state;
  return {
    sock_open: (family: number, type: number, out: number): number =>
      open(state, { family, type, out }),
    sock_bind(fd: number, pointer: number, port: number): Eventual {
      const descriptor = socketOf(table, fd, 0);
      const address = readAddress(memory, pointer, { port, family: descriptor.socket.family });
      const answer = bind(state, { fd, descriptor, address });
      return typeof answer === "number" ? errnoOfAnswer(answer) : answer.then(errnoOfAnswer);
    },
    sock_listen(fd: number, backlog: number): Eventual {
      const descriptor = socketOf(table, fd, RIGHT.sockAccept);
      const listen = (bound: Answer): number => {
        if (bound < 0) return -bound;
        return errnoOfAnswer(descriptor.socket.listen(Math.min(Math.max(backlog, 0), BACKLOG_MAX)));
      };
      const bound = bindFirst(state, { fd, descriptor });
      return typeof bound === "number" ? listen(bound) : bound.then(listen);
    },
    sock_connect(fd: number, pointer: number, port: number): Eventual {
      const descriptor = socketOf(table, fd, 0);
      const { socket } = descriptor;
      const address = readAddress(memory, pointer, { port, family: socket.family });
      const to = decided(state, { socket, purpose: "connect", address });
      return to instanceof Promise
        ? to.then((to) => connect(descriptor, { to, address }))
        : connect(descriptor, { to, address });
    },
    sock_recv_from: (
      fd: number,
      vectors: number,
      count: number,
      address: number,
      flags: number,
      ...out: number[]
    ): Eventual => receiveFrom(state, { fd, vectors, count, address, flags, out }),
    sock_send_to(
      fd: number,
      vectors: number,
      count: number,
      pointer: number,
      port: number,
      flags: number,
      out: number,
    ): Eventual {
      const descriptor = socketOf(table, fd, RIGHT.fdWrite);
      const from = memory.vectors(vectors, count);
      memory.getU32(out);
      if (flags !== 0) return ERRNO.notsup; // there are none
      const to = descriptor.socket.protocol === "udp"
        ? destination(state, { descriptor, pointer, port })
        : undefined;
      if (to instanceof Promise) return sendLater(descriptor, { to, from, memory, out });
      const transfer = descriptor.transfer();
      transfer.to = to;
      return toldBytes(memory, descriptor.socket.send(from, transfer), out);
    },
    /** The first version has a fourth parameter: `port` tells the kind of address, `more` the port. */
    sock_getlocaladdr(fd: number, pointer: number, port: number, more?: number): number {
      const descriptor = socketOf(table, fd, 0);
      const address = localAddress(state, descriptor);
      return tellAddress(state, { descriptor, address, pointer, port, more });
    },
    sock_getpeeraddr(fd: number, pointer: number, port: number, more?: number): number {
      const descriptor = socketOf(table, fd, 0);
      const address = peerAddress(state, descriptor);
      return tellAddress(state, { descriptor, address, pointer, port, more });
    },
  };
}

function open(
  { host, memory, network, table }: GuestState,
  { family, type, out }: { family: number; type: number; out: number },
): number {
  memory.getU32(out);
  const v6 = family === ADDRESS_FAMILY.ipv6;
  if (!v6 && family !== ADDRESS_FAMILY.ipv4) return ERRNO.afnosupport;
  const stream = type === SOCKET_TYPE.stream;
  if (!stream && type !== SOCKET_TYPE.datagram) return ERRNO.prototype;
  const socket = host.openSocket(v6 ? "ipv6" : "ipv4", stream ? "tcp" : "udp");
  if (typeof socket === "number") return -socket;
  const added = addSocket(table, socket, {
    rights: stream ? RIGHTS_CONNECTION | RIGHTS_LISTENER : RIGHTS_CONNECTION,
    inheriting: stream ? RIGHTS_CONNECTION : 0,
    flags: 0,
    ...(stream || network.news === undefined
      ? {}
      : { correspondents: new Correspondents(network, host) }),
  });
  if (added < 0) return -added;
  memory.setU32(out, added);
  return 0;
}

/** The addresses to hand to the system; refused as the embedder says, `acces` without a reason. */
function decided(
  { network }: GuestState,
  { socket: { family, protocol }, purpose, address }: {
    readonly socket: HostSocket;
    readonly purpose: "bind" | "connect" | "send";
    readonly address: SocketAddress;
  },
): Soon<Allowed> {
  const allowed = decideAddress(network.allow, { purpose, protocol, family, address });
  return allowed instanceof Promise ? allowed.then(mustBeAllowed) : mustBeAllowed(allowed);
}

function mustBeAllowed(allowed: Allowed | Answer): Allowed {
  if (typeof allowed === "number") throw new Refusal(-allowed);
  return allowed;
}

/** Binds a socket to what the embedder makes of an address. */
function bind(
  state: GuestState,
  { fd, descriptor, address }: {
    readonly fd: number;
    readonly descriptor: SocketDescriptor;
    readonly address: SocketAddress;
  },
): Eventual {
  const { socket } = descriptor;
  const bindTo = (to: Allowed): Answer => {
    const answer = socket.bind(to.address);
    if (answer >= 0) {
      descriptor.bound = true;
      descriptor.anywhere = address.ip.every((byte) => byte === 0);
      state.table.changed(fd);
    }
    return answer;
  };
  const to = decided(state, { socket, purpose: "bind", address });
  return to instanceof Promise ? to.then(bindTo) : bindTo(to);
}

/** Connects to what the embedder has made of `address`. */
function connect(
  descriptor: SocketDescriptor,
  { to, address }: { readonly to: Allowed; readonly address: SocketAddress },
): Eventual {
  const { socket, nonblock } = descriptor;
  const source = to.source === undefined ? {} : { source: to.source };
  const answer = socket.connect(to.address, { nonblock, ...source });
  descriptor.peer = to.asked;
  descriptor.correspondents?.remember(to.address, to.asked ?? address);
  return typeof answer === "number" ? errnoOfAnswer(answer) : answer.then(errnoOfAnswer);
}

/**
 * A socket that listens without an address takes all of them: that is for the embedder to decide. A
 * port alone does not tell that it has decided: to connect in vain leaves one behind.
 */
function bindFirst(
  state: GuestState,
  { fd, descriptor }: { readonly fd: number; readonly descriptor: SocketDescriptor },
): Eventual {
  const { socket, bound } = descriptor;
  const local = socket.localAddress();
  if (typeof local === "number") return local;
  if (bound && local.port !== 0) return 0;
  return bind(state, { fd, descriptor, address: { ip: ANY_IP[socket.family], port: 0 } });
}

/** Where a datagram goes; binds the socket first if the embedder wants it to come from somewhere. */
function destination(
  state: GuestState,
  { descriptor, pointer, port }: {
    descriptor: SocketDescriptor;
    pointer: number;
    port: number;
  },
): Soon<SocketAddress> {
  const { socket } = descriptor;
  const address = readAddress(state.memory, pointer, { port, family: socket.family });
  const to = decided(state, { socket, purpose: "send", address });
  return to instanceof Promise
    ? directLater(descriptor, { to, address })
    : direct(descriptor, { to, address });
}

async function directLater(
  descriptor: SocketDescriptor,
  { to, address }: { readonly to: Promise<Allowed>; readonly address: SocketAddress },
): Promise<SocketAddress> {
  return direct(descriptor, { to: await to, address });
}

function direct(
  { socket, correspondents }: SocketDescriptor,
  { to, address }: { readonly to: Allowed; readonly address: SocketAddress },
): SocketAddress {
  correspondents?.remember(to.address, to.asked ?? address);
  if (to.source === undefined || isAt(socket, to.source)) return to.address;
  const bound = socket.bind(to.source);
  if (bound < 0) throw new Refusal(-bound); // it has another address already, and would send from there
  return to.address;
}

/** Sends once it is decided where to. The transfer is another thread's until then. */
async function sendLater(
  descriptor: SocketDescriptor,
  { to, from, memory, out }: {
    readonly to: Promise<SocketAddress>;
    readonly from: Vectors;
    readonly memory: GuestMemory;
    readonly out: number;
  },
): Promise<Answer> {
  const address = await to;
  const transfer = descriptor.transfer();
  transfer.to = address;
  return await toldBytes(memory, descriptor.socket.send(from, transfer), out);
}

function receiveFrom(
  { memory, network, table }: GuestState,
  { fd, vectors, count, address, flags, out }: {
    readonly fd: number;
    readonly vectors: number;
    readonly count: number;
    readonly address: number;
    readonly flags: number;
    /** Where to tell the port, the number of bytes and flags; the first version has no port. */
    readonly out: readonly number[];
  },
): Eventual {
  const [outPort, outBytes, outFlags] = out.length > 2 ? out : [undefined, ...out];
  const descriptor = socketOf(table, fd, RIGHT.fdRead);
  const into = memory.vectors(vectors, count);
  const buffer = new AddressBuffer(memory, address, descriptor.socket.family);
  if (outPort !== undefined) memory.getU32(outPort);
  memory.getU32(outBytes!);
  memory.getU16(outFlags!);
  const transfer = descriptor.transfer();
  receiving(transfer, flags);
  transfer.wantsFrom = true;
  const tell = (bytes: Answer): number => {
    if (bytes < 0) return -bytes;
    const from = transfer.from ?? descriptor.socket.peerAddress();
    if (typeof from !== "number") {
      const shown = descriptor.correspondents?.shown(from) ?? shownAddress(network, from);
      buffer.write(shown);
      if (outPort !== undefined) memory.setU32(outPort, shown.port);
    }
    memory.setU32(outBytes!, bytes);
    memory.setU16(outFlags!, transfer.truncated ? ROFLAG_TRUNCATED : 0);
    return 0;
  };
  const answer = descriptor.receive(into, transfer);
  return typeof answer === "number" ? tell(answer) : answer.then(tell);
}

/** Where a socket is, as the guest wanted it. */
function localAddress(
  { network }: GuestState,
  { socket, anywhere }: SocketDescriptor,
): SocketAddress | Answer {
  const address = socket.localAddress();
  if (typeof address === "number") return address;
  // To be connected is to be somewhere.
  if (anywhere && typeof socket.peerAddress() === "number") {
    return { ip: ANY_IP[socket.family], port: address.port };
  }
  return shownAddress(network, address);
}

/** Where a socket leads to, as the guest wanted it. */
function peerAddress(
  { network }: GuestState,
  { socket, peer }: SocketDescriptor,
): SocketAddress | Answer {
  const address = socket.peerAddress();
  if (typeof address === "number") return address;
  if (peer === undefined) return shownAddress(network, address);
  return { ip: address.ip.length === 4 ? peer.ip : mapIp(peer.ip), port: peer.port };
}

function tellAddress(
  { memory }: GuestState,
  { descriptor: { socket }, address, pointer, port, more }: {
    readonly descriptor: SocketDescriptor;
    readonly address: SocketAddress | Answer;
    readonly pointer: number;
    readonly port: number;
    readonly more: number | undefined;
  },
): number {
  const buffer = new AddressBuffer(memory, pointer, socket.family);
  memory.getU32(port);
  if (more !== undefined) memory.getU32(more);
  if (typeof address === "number") return -address;
  buffer.write(address);
  memory.setU32(more ?? port, address.port);
  if (more !== undefined) memory.setU32(port, address.ip.length === 4 ? 4 : 6);
  return 0;
}
