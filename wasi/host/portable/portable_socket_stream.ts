import { FILETYPE } from "../../abi.ts";
import { ERRNO } from "../../errno.ts";
import { SOCKET_BYTES_MAX } from "../../limits.ts";
import type { Vectors } from "../../memory.ts";
import type { Answer, Eventual, FileStat, Wait } from "../host.ts";
import {
  type Family,
  type HostSocket,
  isAt,
  type SocketAddress,
  type SocketOption,
  type SocketTransfer,
} from "../socket.ts";
import {
  Changes,
  fillSocketStat,
  persist,
  type PortableSocket,
  type Ready,
} from "./portable_socket.ts";
import {
  addressOf,
  belongs,
  isUnspecified,
  textOf,
  unspecified,
} from "./portable_socket_address.ts";
import { Connection, type Wire } from "./portable_socket_connection.ts";
import { socketRefusal } from "./portable_socket_error.ts";
import type { Lingering } from "./portable_socket_lingering.ts";
import { Listener } from "./portable_socket_listener.ts";
import type { Door, Doors } from "./portable_socket_doors.ts";
import { connectFrom } from "./portable_socket_source.ts";

/** Until a guest is told again that it can accept nobody any more. */
const REPEATED_REFUSAL_MS = 100;

/** How {@linkcode PortableStream} comes to be. */
export interface PortableStreamOptions {
  readonly family: Family;
  readonly lingering: Lingering;
  readonly doors: Doors;
  /** Of one that was accepted. */
  readonly wire?: Wire;
}

/**
 * A TCP socket through Deno. Deno binds and listens at once, so a bound socket already has its port,
 * and peers that knock before `listen` wait in the system's queue; to connect from there, the
 * listener is given up again.
 */
export class PortableStream implements PortableSocket, Door {
  readonly type = "socket";
  readonly protocol = "tcp";
  readonly family: Family;
  readonly changes = new Changes();
  readonly #lingering: Lingering;
  readonly #doors: Doors;
  readonly #options = new Map<SocketOption, number>();
  #bound: Listener | undefined;
  #listens = false;
  #connection: Connection | undefined;
  #connecting: AbortController | undefined;
  /** What came of connecting, if nobody has looked yet. */
  #refusal: Answer = 0;
  #closed = false;
  /** It listened, and takes nobody any more. */
  #shut = false;
  /** A guest that waited to accept has been told that it is in vain: not all take that for an end. */
  #toldShut = false;

  constructor({ family, lingering, doors, wire }: PortableStreamOptions) {
    this.family = family;
    this.#lingering = lingering;
    this.#doors = doors;
    if (wire !== undefined) this.#connected(wire);
  }

  bind(address: SocketAddress): Answer {
    if (this.#closed) return -ERRNO.badf; // by another thread, while it was decided where to
    if (this.#bound !== undefined || this.#connection !== undefined) return -ERRNO.inval;
    return belongs(address, this.family) ? this.#bind(address) : -ERRNO.afnosupport;
  }

  listen(backlog: number): Answer {
    if (this.#closed) return -ERRNO.badf;
    if (this.#connection !== undefined || this.#connecting !== undefined) return -ERRNO.inval;
    const bound = this.#bound === undefined ? this.#bind(unspecified(this.family), backlog) : 0;
    this.#listens = bound === 0;
    if (this.#listens) this.#doors.add(this);
    return bound;
  }

  shut(): void {
    this.#shut = true;
    this.#bound?.close();
  }

  accept(
    { nonblock }: { nonblock: boolean },
  ): HostSocket | Answer | Promise<HostSocket | Answer> {
    const attempt = (): HostSocket | Answer => {
      if (this.#closed) return -ERRNO.badf;
      if (this.#bound === undefined || !this.#listens || this.#shut) return -ERRNO.inval;
      const wire = this.#bound.take();
      if (typeof wire === "number") return wire;
      const [family, lingering, doors] = [this.family, this.#lingering, this.#doors];
      return new PortableStream({ family, lingering, doors, wire });
    };
    if (this.#shut && !this.#closed && !nonblock) return this.#refuseToAccept();
    return persist(attempt, { changes: this.changes, nonblock });
  }

  connect(
    address: SocketAddress,
    { nonblock, source }: { nonblock: boolean; source?: SocketAddress },
  ): Eventual {
    if (this.#closed) return -ERRNO.badf;
    if (this.#connection !== undefined || this.#listens) return -ERRNO.isconn;
    if (this.#connecting !== undefined) return -ERRNO.already;
    if (!belongs(address, this.family)) return -ERRNO.afnosupport;
    if (source !== undefined && this.#bound !== undefined && !isAt(this, source)) {
      return -ERRNO.inval;
    }
    void this.#connect(address, this.#giveUpPort() ?? source);
    if (nonblock) return -ERRNO.inprogress;
    const attempt = (): Answer => this.#connection === undefined ? this.#missing(ERRNO.notconn) : 0;
    return persist(attempt, { changes: this.changes, nonblock });
  }

  receive(into: Vectors, transfer: SocketTransfer): Eventual {
    if (this.#waitsToConnect(transfer)) {
      return this.#settled().then(() => this.receive(into, transfer));
    }
    return this.#connection?.receive(into, transfer) ?? this.#missing(ERRNO.notconn);
  }

  send(from: Vectors, transfer: SocketTransfer): Eventual {
    if (this.#waitsToConnect(transfer)) {
      return this.#settled().then(() => this.send(from, transfer));
    }
    return this.#connection?.send(from, transfer) ?? this.#missing(ERRNO.pipe);
  }

  shutdown(how: number): Answer {
    return this.#connection?.shutdown(how) ?? -ERRNO.notconn;
  }

  localAddress(): SocketAddress {
    const text = this.#connection?.wire.localAddr ?? this.#bound?.address;
    return text === undefined ? unspecified(this.family) : addressOf(text, this.family);
  }

  peerAddress(): SocketAddress | Answer {
    const text = this.#connection?.wire.remoteAddr;
    return text === undefined ? -ERRNO.notconn : addressOf(text, this.family);
  }

  getOption(option: SocketOption): Answer {
    if (option === "listening") return this.#listens ? 1 : 0;
    if (option === "error") return Math.abs(this.#takeRefusal());
    return this.#options.get(option) ?? DEFAULTS[option];
  }

  setOption(option: SocketOption, value: number): Answer {
    if (option === "error" || option === "listening") return -ERRNO.noprotoopt;
    this.#options.set(option, value);
    if (this.#connection !== undefined) this.#apply(this.#connection.wire);
    return 0;
  }

  stat(out: FileStat): Answer {
    return fillSocketStat(out, FILETYPE.socketStream);
  }

  readiness(interest: Wait["interest"]): Ready | undefined {
    if (this.#closed) return { errno: ERRNO.badf, bytes: 0n, hangup: true };
    if (this.#connection !== undefined) return this.#connection.readiness(interest);
    if (this.#connecting !== undefined) return undefined;
    if (this.#shut) return { errno: ERRNO.success, bytes: 0n, hangup: true };
    if (this.#listens) return interest === "read" ? this.#bound?.readiness() : undefined;
    return { errno: ERRNO.success, bytes: 0n, hangup: true };
  }

  close(): Answer {
    if (this.#closed) return -ERRNO.badf;
    this.#closed = true;
    this.#connecting?.abort();
    this.#doors.remove(this);
    this.#bound?.close();
    this.#connection?.close();
    this.changes.wake();
    return 0;
  }

  /** Tells a guest that takes no notice ten times a second: it would do nothing else, and fill its log. */
  #refuseToAccept(): Eventual {
    const repeated = this.#toldShut;
    this.#toldShut = true;
    if (!repeated) return -ERRNO.inval;
    return new Promise((resolve) => setTimeout(() => resolve(-ERRNO.inval), REPEATED_REFUSAL_MS));
  }

  #bind(address: SocketAddress, backlog?: number): Answer {
    try {
      const { hostname, port } = textOf(address);
      const options = backlog === undefined ? {} : { tcpBacklog: Math.max(1, backlog) };
      this.#bound = new Listener(Deno.listen({ hostname, port, ...options }), this.changes);
      return 0;
    } catch (error) {
      return socketRefusal(error);
    }
  }

  /** The address that was bound, free again. */
  #giveUpPort(): SocketAddress | undefined {
    const bound = this.#bound;
    if (bound === undefined) return undefined;
    bound.close();
    this.#bound = undefined;
    return addressOf(bound.address, this.family);
  }

  async #connect(address: SocketAddress, source: SocketAddress | undefined): Promise<void> {
    const { signal } = this.#connecting = new AbortController();
    try {
      const wire = source === undefined || isUnspecified(source)
        ? await Deno.connect({ ...textOf(address), signal })
        : await connectFrom(textOf(source), { to: textOf(address), signal });
      if (this.#closed) wire.close();
      else this.#connected(wire);
    } catch (error) {
      this.#refusal = socketRefusal(error);
    }
    this.#connecting = undefined;
    this.changes.wake();
  }

  #connected(wire: Wire): void {
    this.#apply(wire);
    this.#connection = new Connection(wire, { changes: this.changes, lingering: this.#lingering });
  }

  #apply(wire: Wire): void {
    const [noDelay, keepAlive] = [this.#options.get("noDelay"), this.#options.get("keepAlive")];
    if (noDelay !== undefined) wire.setNoDelay(noDelay !== 0);
    if (keepAlive !== undefined) wire.setKeepAlive(keepAlive !== 0);
  }

  #waitsToConnect({ nonblock }: SocketTransfer): boolean {
    return this.#connecting !== undefined && !nonblock;
  }

  async #settled(): Promise<void> {
    while (this.#connecting !== undefined) await this.changes.next();
  }

  /** Why there is no connection; the errno if there is no better reason. */
  #missing(errno: number): Answer {
    if (this.#closed) return -ERRNO.badf;
    if (this.#connecting !== undefined) return -ERRNO.again;
    return this.#takeRefusal() || -errno;
  }

  #takeRefusal(): Answer {
    const refusal = this.#refusal;
    this.#refusal = 0;
    return refusal;
  }
}

/** What an option is before it is set. */
const DEFAULTS: Record<Exclude<SocketOption, "error" | "listening">, number> = {
  reuseAddress: 1,
  keepAlive: 0,
  broadcast: 0,
  noDelay: 0,
  sendBuffer: SOCKET_BYTES_MAX,
  receiveBuffer: SOCKET_BYTES_MAX,
};
