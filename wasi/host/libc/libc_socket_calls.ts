import { ERRNO } from "../../errno.ts";
import type { Family, Protocol, SocketAddress, SocketOption } from "../socket.ts";
import { MACHINES } from "./constants.ts";
import {
  ADDRESS_FAMILIES,
  readSockaddr,
  SOCKADDR_BYTES_MAX,
  writeSockaddr,
} from "./libc_socket_address.ts";
import type { Library } from "./library.ts";

const CALLS = MACHINES[Deno.build.arch].calls;

const SOCKET_TYPES: Readonly<Record<Protocol, number>> = { tcp: 1, udp: 2 };
/** `SOCK_NONBLOCK | SOCK_CLOEXEC`. */
const SOCK_FLAGS = 0o4000 | 0o2000000;

const IPV6_BYTES = 16;
const SOL_SOCKET = 1n;
const IPPROTO_TCP = 6n;

/** Level and name of each option. */
const OPTIONS: Readonly<Record<SocketOption, readonly [level: bigint, name: bigint]>> = {
  reuseAddress: [SOL_SOCKET, 2n],
  error: [SOL_SOCKET, 4n],
  broadcast: [SOL_SOCKET, 6n],
  sendBuffer: [SOL_SOCKET, 7n],
  receiveBuffer: [SOL_SOCKET, 8n],
  keepAlive: [SOL_SOCKET, 9n],
  listening: [SOL_SOCKET, 30n],
  noDelay: [IPPROTO_TCP, 1n],
};
/**
 * `IPV6_FREEBIND` of `SOL_IPV6`: bind what is no interface's. Of a range that a local route leads here, IPv4's
 * addresses can be bound as they are, and IPv6's only so.
 */
const FREE_BIND = [41n, 78n] as const;
/** `IP_BIND_ADDRESS_NO_PORT` of `SOL_IP`: a port is chosen when it connects, from more of them. */
const LATE_PORT = [0n, 24n] as const;

/**
 * System calls on sockets. Each answers from 0 up, or a negated WASI errno. Every socket is
 * non-blocking for the kernel: who has to wait waits where it can be ended.
 */
export class SocketCalls {
  readonly #library: Library;
  readonly #sockaddr = new DataView(new ArrayBuffer(SOCKADDR_BYTES_MAX));
  readonly #value = new Int32Array(1);
  readonly #valueBytes = new Int32Array(1);

  constructor(library: Library) {
    this.#library = library;
  }

  socket(family: Family, protocol: Protocol): number {
    return this.#ofNumbers(
      CALLS.socket,
      ADDRESS_FAMILIES[family],
      SOCKET_TYPES[protocol] | SOCK_FLAGS,
    );
  }

  bind(fd: number, address: SocketAddress): number {
    const answer = this.#ofAddress(CALLS.bind, fd, address);
    if (answer !== -ERRNO.addrnotavail || address.ip.length !== IPV6_BYTES) return answer;
    this.#setOption(fd, FREE_BIND, 1);
    return this.#ofAddress(CALLS.bind, fd, address);
  }

  connect(fd: number, address: SocketAddress): number {
    return this.#ofAddress(CALLS.connect, fd, address);
  }

  listen(fd: number, backlog: number): number {
    return this.#ofNumbers(CALLS.listen, fd, backlog);
  }

  accept(fd: number): number {
    const { functions } = this.#library;
    return this.#library.answer(
      functions.ofNumbers(CALLS.accept4, BigInt(fd), 0n, 0n, BigInt(SOCK_FLAGS), 0n),
    );
  }

  /** Takes Linux's own `SHUT_RD`, `SHUT_WR`, `SHUT_RDWR`. */
  shutdown(fd: number, how: number): number {
    return this.#ofNumbers(CALLS.shutdown, fd, how);
  }

  localAddress(fd: number): SocketAddress | number {
    return this.#askAddress(CALLS.getsockname, fd);
  }

  peerAddress(fd: number): SocketAddress | number {
    return this.#askAddress(CALLS.getpeername, fd);
  }

  /** The value of an option. That of `error` is Linux's own number. */
  getOption(fd: number, option: SocketOption): number {
    const [level, name] = OPTIONS[option];
    this.#valueBytes[0] = this.#value.byteLength;
    const { functions } = this.#library;
    const [value, bytes] = [
      this.#library.addressOf(this.#value),
      this.#library.addressOf(this.#valueBytes),
    ];
    const answer = this.#library.answer(
      functions.ofNumbers(CALLS.getsockopt, BigInt(fd), level, name, value, bytes),
    );
    return answer < 0 ? answer : this.#value[0]!;
  }

  setOption(fd: number, option: SocketOption, value: number): number {
    return this.#setOption(fd, OPTIONS[option], value);
  }

  /** Lets `bind` to port 0 choose no port yet. Older kernels refuse it, and nothing is lost. */
  choosePortLate(fd: number): void {
    this.#setOption(fd, LATE_PORT, 1);
  }

  #setOption(fd: number, [level, name]: readonly [bigint, bigint], value: number): number {
    this.#value[0] = value;
    const { functions } = this.#library;
    const [address, bytes] = [this.#library.addressOf(this.#value), this.#value.byteLength];
    return this.#library.answer(
      functions.ofNumbers(CALLS.setsockopt, BigInt(fd), level, name, address, BigInt(bytes)),
    );
  }

  #ofNumbers(call: bigint, a: number, b: number): number {
    const { functions } = this.#library;
    return this.#library.answer(functions.ofNumbers(call, BigInt(a), BigInt(b), 0n, 0n, 0n));
  }

  #ofAddress(call: bigint, fd: number, address: SocketAddress): number {
    const bytes = BigInt(writeSockaddr(this.#sockaddr, address));
    const { functions } = this.#library;
    return this.#library.answer(functions.ofBuffer(call, BigInt(fd), this.#sockaddr, bytes, 0n));
  }

  #askAddress(call: bigint, fd: number): SocketAddress | number {
    this.#valueBytes[0] = SOCKADDR_BYTES_MAX;
    const { functions } = this.#library;
    const answer = this.#library.answer(
      functions.ofBuffers(call, BigInt(fd), this.#sockaddr, this.#valueBytes, 0n),
    );
    if (answer < 0) return answer;
    const address = readSockaddr(this.#sockaddr);
    if (address === undefined) throw new TypeError("Cannot read a socket's address: it is no IP");
    return address;
  }
}
