import type * as Dgram from "node:dgram";
import { FILETYPE } from "../../abi.ts";
import { ERRNO } from "../../errno.ts";
import { DATAGRAM_BYTES_MAX, DATAGRAMS_MAX } from "../../limits.ts";
import type { Vectors } from "../../memory.ts";
import type { Answer, Eventual, FileStat, Wait } from "../host.ts";
import {
  type Family,
  isAt,
  SHUTDOWN,
  type SocketAddress,
  type SocketOption,
  type SocketTransfer,
} from "../socket.ts";
import { node } from "./node.ts";
import {
  Changes,
  fillSocketStat,
  persist,
  type PortableSocket,
  type Ready,
  scatter,
  viewsOf,
} from "./portable_socket.ts";
import { addressOf, belongs, isPermitted, textOf, unspecified } from "./portable_socket_address.ts";
import { socketRefusal } from "./portable_socket_error.ts";

/** A datagram that has come. */
interface Arrival {
  readonly bytes: Uint8Array;
  readonly from: SocketAddress;
}

/** A UDP socket through Node's library, which Deno offers without a flag, unlike its own. */
export class PortableDatagram implements PortableSocket {
  readonly type = "socket";
  readonly protocol = "udp";
  readonly family: Family;
  readonly changes = new Changes();
  readonly #arrivals: Arrival[] = [];
  /** Bytes of all of them. */
  #arrivedBytes = 0;
  readonly #options = new Map<SocketOption, number>();
  /** Once it is bound. */
  #socket: Dgram.Socket | undefined;
  #peer: SocketAddress | undefined;
  #shut = 0;
  #refusal: Answer = 0;
  #closed = false;

  constructor(family: Family) {
    this.family = family;
  }

  bind(address: SocketAddress): Answer {
    if (this.#closed) return -ERRNO.badf; // by another thread, while it was decided where to
    if (this.#socket !== undefined) return -ERRNO.inval;
    if (!belongs(address, this.family)) return -ERRNO.afnosupport;
    const { hostname, port } = textOf(address);
    const socket = this.#open();
    try {
      // Done when it returns, or has told its error: the address needs no looking up.
      socket.bind({ address: hostname, port, exclusive: true });
      if (this.#refusal === 0 && this.#options.get("broadcast") === 1) socket.setBroadcast(true);
    } catch (error) {
      this.#refusal = socketRefusal(error);
    }
    if (this.#refusal === 0) this.#socket = socket;
    else socket.close();
    return this.#takeRefusal();
  }

  listen(): Answer {
    return -ERRNO.notsup;
  }

  accept(): Answer {
    return -ERRNO.notsup;
  }

  connect(address: SocketAddress, { source }: { source?: SocketAddress }): Answer {
    if (!belongs(address, this.family)) return -ERRNO.afnosupport;
    const bound = source === undefined || isAt(this, source) ? this.#bound() : this.bind(source);
    if (typeof bound === "number" && bound < 0) return bound;
    this.#peer = address;
    return 0;
  }

  receive(into: Vectors, transfer: SocketTransfer): Eventual {
    const { nonblock, peek, wantsFrom } = transfer;
    const views = viewsOf(into);
    const attempt = (): Answer => {
      if (this.#closed) return -ERRNO.badf;
      const refusal = this.#takeRefusal();
      if (refusal < 0) return refusal;
      const [arrival] = this.#arrivals;
      if (arrival === undefined) return (this.#shut & SHUTDOWN.receive) !== 0 ? 0 : -ERRNO.again;
      if (!peek) {
        this.#arrivals.shift();
        this.#arrivedBytes -= arrival.bytes.length;
      }
      const count = scatter(arrival.bytes, { into: views, skip: 0 });
      transfer.truncated = count < arrival.bytes.length;
      if (wantsFrom) transfer.from = arrival.from;
      return count;
    };
    return persist(attempt, { changes: this.changes, nonblock });
  }

  send(from: Vectors, { to }: SocketTransfer): Eventual {
    if (this.#closed) return -ERRNO.badf;
    if ((this.#shut & SHUTDOWN.send) !== 0) return -ERRNO.pipe;
    const target = to ?? this.#peer;
    if (target === undefined) return -ERRNO.destaddrreq;
    if (!belongs(target, this.family)) return -ERRNO.afnosupport;
    if (target.port === 0) return -ERRNO.inval; // nobody is there, and Node throws
    const socket = this.#bound();
    if (typeof socket === "number") return socket;
    const bytes = new Uint8Array(from.bytes);
    let at = 0;
    for (const view of viewsOf(from)) {
      bytes.set(view, at);
      at += view.length;
    }
    const { hostname, port } = textOf(target);
    return new Promise((resolve) => {
      socket.send(bytes, port, hostname, (error, count) => {
        if (error === null) resolve(count);
        else resolve(isPermitted({ hostname, port }) ? socketRefusal(error) : -ERRNO.acces);
      });
    });
  }

  shutdown(how: number): Answer {
    if (this.#peer === undefined) return -ERRNO.notconn;
    this.#shut |= how;
    this.changes.wake();
    return 0;
  }

  localAddress(): SocketAddress | Answer {
    if (this.#socket === undefined) return unspecified(this.family);
    const { address, port } = this.#socket.address();
    return addressOf({ hostname: address, port }, this.family);
  }

  peerAddress(): SocketAddress | Answer {
    return this.#peer ?? -ERRNO.notconn;
  }

  getOption(option: SocketOption): Answer {
    switch (option) {
      case "noDelay":
        return -ERRNO.noprotoopt;
      case "listening":
        return 0;
      case "error":
        return Math.abs(this.#takeRefusal());
      case "sendBuffer":
      case "receiveBuffer":
        return this.#options.get(option) ?? DATAGRAM_BUFFER_BYTES;
      default:
        return this.#options.get(option) ?? 0;
    }
  }

  setOption(option: SocketOption, value: number): Answer {
    if (option === "noDelay" || option === "error" || option === "listening") {
      return -ERRNO.noprotoopt;
    }
    this.#options.set(option, value);
    if (option === "broadcast") this.#socket?.setBroadcast(value !== 0);
    return 0;
  }

  stat(out: FileStat): Answer {
    return fillSocketStat(out, FILETYPE.socketDgram);
  }

  readiness(interest: Wait["interest"]): Ready | undefined {
    if (this.#closed) return { errno: ERRNO.badf, bytes: 0n, hangup: true };
    const hangup = this.#shut === (SHUTDOWN.receive | SHUTDOWN.send);
    const ready = { errno: ERRNO.success, bytes: 0n, hangup };
    if (interest === "write" || this.#refusal < 0) return ready;
    const [first] = this.#arrivals;
    if (first !== undefined) return { ...ready, bytes: BigInt(first.bytes.length) };
    return (this.#shut & SHUTDOWN.receive) !== 0 ? ready : undefined;
  }

  close(): Answer {
    if (this.#closed) return -ERRNO.badf;
    this.#closed = true;
    this.#socket?.close();
    this.changes.wake();
    return 0;
  }

  /** What it is bound with: to any port, if nobody has bound it before. */
  #bound(): Dgram.Socket | Answer {
    const bound = this.#socket === undefined ? this.bind(unspecified(this.family)) : 0;
    return this.#socket ?? bound;
  }

  #open(): Dgram.Socket {
    const { family } = this;
    const type = family === "ipv4" ? "udp4" : "udp6";
    const socket = node.dgram.createSocket({ type, lookup: asItIs });
    socket.on("error", (error) => {
      this.#refusal = socketRefusal(error);
      this.changes.wake();
    });
    socket.on("message", (bytes, { address, port }) => {
      this.#arrive({ bytes, from: addressOf({ hostname: address, port }, family) });
    });
    return socket;
  }

  /** Keeps a datagram; as everywhere, what finds no room or comes from a stranger is lost. */
  #arrive(arrival: Arrival): void {
    const bytes = this.#arrivedBytes + arrival.bytes.length;
    if (this.#arrivals.length >= DATAGRAMS_MAX || bytes > DATAGRAM_BYTES_MAX) return;
    if (!this.#isWelcome(arrival.from)) return;
    this.#arrivals.push(arrival);
    this.#arrivedBytes = bytes;
    this.changes.wake();
  }

  #isWelcome({ ip, port }: SocketAddress): boolean {
    const peer = this.#peer;
    if (peer === undefined) return true;
    return peer.port === port && peer.ip.every((byte, index) => byte === ip[index]);
  }

  #takeRefusal(): Answer {
    const refusal = this.#refusal;
    this.#refusal = 0;
    return refusal;
  }
}

/** What is told of the system's buffers for datagrams if nobody asked for others. */
const DATAGRAM_BUFFER_BYTES = 65_536;

/** Node looks up even what is an address, and later; this answers at once. */
function asItIs(
  hostname: string,
  _options: unknown,
  found: (error: null, address: string, family: number) => void,
): void {
  found(null, hostname, hostname.includes(":") ? 6 : 4);
}
