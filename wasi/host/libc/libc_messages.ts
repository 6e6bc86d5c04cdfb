import type { Vectors } from "../../memory.ts";
import type { Answer } from "../host.ts";
import type { SocketAddress } from "../socket.ts";
import { MACHINES } from "./constants.ts";
import { readSockaddr, SOCKADDR_BYTES_MAX, writeSockaddr } from "./libc_socket_address.ts";
import type { Library } from "./library.ts";
import type { Transfers } from "./transfers.ts";

const { recvmsg, sendmsg } = MACHINES[Deno.build.arch].calls;

/** `struct msghdr` of 64-bit Linux: where its fields are, and its size. */
const MSGHDR = {
  name: 0,
  nameBytes: 8,
  iovecs: 16,
  iovecCount: 24,
  control: 32,
  controlBytes: 40,
  flags: 48,
  bytes: 56,
} as const;
const MSG_TRUNC = 0x20;
const MSG_NOSIGNAL = 0x4000n;

/**
 * Messages between a socket and a guest's memory, which the kernel moves without a copy of ours. One
 * object serves all sockets; what it tells is about the last message.
 */
export class Messages {
  readonly #library: Library;
  readonly #transfers: Transfers;
  readonly #header = new DataView(new ArrayBuffer(MSGHDR.bytes));
  readonly #headerAddress: bigint;
  readonly #name = new DataView(new ArrayBuffer(SOCKADDR_BYTES_MAX));
  readonly #nameAddress: bigint;

  constructor(library: Library, transfers: Transfers) {
    this.#library = library;
    this.#transfers = transfers;
    this.#headerAddress = library.addressOf(this.#header);
    this.#nameAddress = library.addressOf(this.#name);
  }

  /** Fills the buffers with what has arrived. Takes flags of `recvmsg`. */
  receive(
    fd: number,
    into: Vectors,
    { flags, named }: { flags: bigint; named: boolean },
  ): Answer {
    this.#prepare(into, named ? SOCKADDR_BYTES_MAX : 0);
    const { transfer } = this.#library.functions;
    return this.#library.answer(transfer(recvmsg, fd, this.#headerAddress, flags, 0n));
  }

  /** Sends the buffers; never raises a signal. */
  send(fd: number, from: Vectors, to: SocketAddress | undefined): Answer {
    this.#prepare(from, to === undefined ? 0 : writeSockaddr(this.#name, to));
    const { transfer } = this.#library.functions;
    return this.#library.answer(transfer(sendmsg, fd, this.#headerAddress, MSG_NOSIGNAL, 0n));
  }

  /** Who sent what was received with a name. */
  get from(): SocketAddress | undefined {
    return this.#header.getUint32(MSGHDR.nameBytes, true) === 0
      ? undefined
      : readSockaddr(this.#name);
  }

  /** True if what was received did not fit. */
  get truncated(): boolean {
    return (this.#header.getUint32(MSGHDR.flags, true) & MSG_TRUNC) !== 0;
  }

  #prepare(vectors: Vectors, nameBytes: number): void {
    const header = this.#header;
    header.setBigUint64(MSGHDR.name, nameBytes === 0 ? 0n : this.#nameAddress, true);
    header.setUint32(MSGHDR.nameBytes, nameBytes, true);
    header.setBigUint64(MSGHDR.iovecs, this.#transfers.iovecs(vectors), true);
    header.setUint32(MSGHDR.iovecCount, vectors.count, true);
    header.setUint32(MSGHDR.flags, 0, true);
  }
}
