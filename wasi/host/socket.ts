/**
 * What the calls ask of the operating system about sockets. As for files, an {@linkcode Answer} is
 * a count from 0 up or a negated WASI errno; addresses were allowed before they come here.
 *
 * A socket keeps no wish of the guest to itself: whether a call may block is said with each call,
 * so that every thread of a guest may hold its own object for one socket of the system.
 *
 * @module
 */
import type { FileStat } from "./file_stat.ts";
import type { Vectors } from "../memory.ts";
import type { IpAddress } from "../network/ip.ts";
import type { NetworkNews } from "../network/news.ts";
import type { Answer, Eventual } from "./answer.ts";

/** Which addresses a socket has. */
export type Family = "ipv4" | "ipv6";

/** What a socket carries: a stream of bytes, or datagrams. */
export type Protocol = "tcp" | "udp";

/** A place on the network: 4 or 16 bytes, as the family has it, and a port. */
export interface SocketAddress {
  readonly ip: IpAddress;
  /** From 0 to 65,535; 0 lets the system choose, where one is chosen. */
  readonly port: number;
}

/**
 * One transfer of bytes: what is wanted, and what the host has to tell beside the count. One object
 * serves a guest's every call, so that a transfer allocates nothing.
 */
export interface SocketTransfer {
  /** Answer `again` instead of waiting. */
  nonblock: boolean;
  /** Receiving: leave the bytes where they are. */
  peek: boolean;
  /** Receiving from a stream: fill all buffers, unless the stream ends. */
  waitAll: boolean;
  /** Sending: to whom; undefined: to the peer. */
  to: SocketAddress | undefined;
  /** Receiving: the caller wants {@linkcode from}. */
  wantsFrom: boolean;
  /** Set by the host: who sent it; undefined on a stream, and if nobody asked. */
  from: SocketAddress | undefined;
  /** Set by the host: the datagram was longer than the buffers, and its rest is lost. */
  truncated: boolean;
}

/** Options of a socket that the guest may read, and some of them set. All values are whole numbers. */
export type SocketOption =
  /** 0 or 1. */
  | "reuseAddress"
  /** 0 or 1. */
  | "keepAlive"
  /** 0 or 1. */
  | "broadcast"
  /** 0 or 1; streams only. */
  | "noDelay"
  /** Bytes; the system may round it. */
  | "sendBuffer"
  /** Bytes; the system may round it. */
  | "receiveBuffer"
  /** Reading only: the errno (of WASI) of what went wrong since the last look, and forgets it. */
  | "error"
  /** Reading only: 1 once it listens. */
  | "listening";

/** Which directions to close: bits, as WASI's `sdflags`. */
export const SHUTDOWN = { receive: 1, send: 2 } as const;

/** An open socket. */
export interface HostSocket {
  readonly type: "socket";
  readonly family: Family;
  readonly protocol: Protocol;
  bind(address: SocketAddress): Answer;
  /** Takes connections from now on. A stream that was not bound gets a port of the system's choice. */
  listen(backlog: number): Answer;
  /** The next connection; `again` if there is none and it must not wait. */
  accept(options: { nonblock: boolean }): HostSocket | Answer | Promise<HostSocket | Answer>;
  /**
   * Connects; of datagrams, names the peer. With `nonblock` a stream answers `inprogress`, becomes
   * ready to write at the end, and has told its fate in the option `error`. A socket that has another
   * address than `source` already is refused with `inval`.
   */
  connect(
    address: SocketAddress,
    options: { nonblock: boolean; source?: SocketAddress },
  ): Eventual;
  /** Fills the buffers in order with what is there: 0 is the end of a stream, or an empty datagram. */
  receive(into: Vectors, transfer: SocketTransfer): Eventual;
  /**
   * Sends the buffers in order: some bytes of a stream, or one datagram. Never raises a signal: what
   * nobody can receive is `pipe`.
   */
  send(from: Vectors, transfer: SocketTransfer): Eventual;
  /** Takes bits of {@linkcode SHUTDOWN}. */
  shutdown(how: number): Answer;
  localAddress(): SocketAddress | Answer;
  /** The other side; `notconn` without one. */
  peerAddress(): SocketAddress | Answer;
  /** The value; `noprotoopt` for an option that it does not have. */
  getOption(option: SocketOption): Answer;
  setOption(option: SocketOption, value: number): Answer;
  stat(out: FileStat): Answer;
  /** Ends it; what was sent still goes its way. Whoever waits for it is told `badf`. */
  close(): Answer;
}

/** The part of the operating system that opens sockets. */
export interface SocketSystem {
  /** Imports what sockets need; {@linkcode openSocket} may be called then. */
  loadSockets(): Promise<void>;
  /** A new socket, not bound; `afnosupport` for a family that this machine does not have. */
  openSocket(family: Family, protocol: Protocol): HostSocket | Answer;
  /**
   * Looks at these news as well while it waits for something on behalf of a guest, until told otherwise; when they
   * say `closing`, {@linkcode stopListening} follows. Absent: a host that cannot.
   */
  heed?(news: NetworkNews | undefined): void;
  /**
   * Shuts down what listens in this thread and what will: who wants to accept from it, or waits to, is told `inval`.
   * Connections go on. Absent: a host that cannot.
   */
  stopListening?(): void;
}

/** True for a socket that has this address already, at whatever port. */
export function isAt(socket: HostSocket, { ip }: SocketAddress): boolean {
  const local = socket.localAddress();
  return typeof local !== "number" && local.port !== 0 &&
    local.ip.length === ip.length && local.ip.every((byte, index) => byte === ip[index]);
}
