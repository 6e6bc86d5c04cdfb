import { ERRNO } from "../../errno.ts";
import { SOCKET_BUFFER_BYTES_MAX } from "../../limits.ts";
import { Vectors } from "../../memory.ts";
import type { Answer, FileStat } from "../host.ts";
import {
  type Family,
  type HostSocket,
  isAt,
  type Protocol,
  SHUTDOWN,
  type SocketAddress,
  type SocketOption,
  type SocketTransfer,
} from "../socket.ts";
import { POLLIN, POLLOUT } from "./constants.ts";
import type { LibcSocketSystem } from "./libc_socket_system.ts";
import { fromLinux } from "./linux_errno.ts";

const MSG_PEEK = 2n;
/** Between two answers to a guest that does not believe that nobody will come any more: 100 ms. */
const REPEATED_REFUSAL_NS = 100_000_000n;

/** How {@linkcode LibcSocket} came by its descriptor. */
export interface LibcSocketOptions {
  readonly fd: number;
  readonly family: Family;
  readonly protocol: Protocol;
}

/**
 * A socket of the process. All of its state is the kernel's: another object for the same descriptor,
 * in another thread, is as good.
 */
export class LibcSocket implements HostSocket {
  readonly type = "socket";
  readonly fd: number;
  readonly family: Family;
  readonly protocol: Protocol;
  readonly #sockets: LibcSocketSystem;

  constructor(sockets: LibcSocketSystem, { fd, family, protocol }: LibcSocketOptions) {
    this.#sockets = sockets;
    this.fd = fd;
    this.family = family;
    this.protocol = protocol;
  }

  /** A new socket, not bound. */
  static open(sockets: LibcSocketSystem, family: Family, protocol: Protocol): LibcSocket | Answer {
    const fd = sockets.calls.socket(family, protocol);
    return fd < 0 ? fd : new LibcSocket(sockets, { fd, family, protocol });
  }

  bind(address: SocketAddress): Answer {
    return this.#sockets.calls.bind(this.fd, address);
  }

  listen(backlog: number): Answer {
    return this.#sockets.listening.begin(this.fd, backlog);
  }

  accept({ nonblock }: { nonblock: boolean }): HostSocket | Answer {
    while (true) {
      const fd = this.#sockets.calls.accept(this.fd);
      if (fd >= 0) return new LibcSocket(this.#sockets, { ...this.#kind, fd });
      if (this.#triesAgain(fd, { events: POLLIN, nonblock })) continue;
      const { listening, system } = this.#sockets;
      // A server that goes on in spite of it would do nothing else, and fill its log.
      if (!nonblock && listening.isRepeated(this.fd)) system.polling.poll(0, REPEATED_REFUSAL_NS);
      return fd;
    }
  }

  connect(
    address: SocketAddress,
    { nonblock, source }: { nonblock: boolean; source?: SocketAddress },
  ): Answer {
    const sockets = this.#sockets.calls;
    if (source !== undefined && !isAt(this, source)) {
      if (source.port === 0) sockets.choosePortLate(this.fd);
      const bound = sockets.bind(this.fd, source);
      if (bound < 0) return bound;
    }
    const begun = sockets.connect(this.fd, address);
    if (begun !== -ERRNO.inprogress || nonblock) return begun;
    while (true) {
      this.#sockets.system.polling.pollOne(this.fd, POLLOUT);
      // Asked again, and not for its error: it would remember that it had failed until the next time.
      const answer = sockets.connect(this.fd, address);
      if (answer !== -ERRNO.already) return answer;
    }
  }

  receive(into: Vectors, transfer: SocketTransfer): Answer {
    const { nonblock, peek } = transfer;
    const stream = this.protocol === "tcp";
    while (true) {
      const answer = stream && !peek
        ? this.#sockets.system.transfers.read(this.fd, into)
        : this.#receiveMessage(into, transfer);
      if (answer >= 0) {
        const whole = !transfer.waitAll || !stream || peek || nonblock || answer === 0;
        return whole || answer === into.bytes ? answer : this.#receiveRest(into, answer);
      }
      if (!this.#triesAgain(answer, { events: POLLIN, nonblock })) return answer;
    }
  }

  send(from: Vectors, { nonblock, to }: SocketTransfer): Answer {
    while (true) {
      const answer = this.#sockets.messages.send(this.fd, from, to);
      if (answer >= 0 || !this.#triesAgain(answer, { events: POLLOUT, nonblock })) return answer;
    }
  }

  shutdown(how: number): Answer {
    const linux = how === SHUTDOWN.receive ? 0 : how === SHUTDOWN.send ? 1 : 2;
    return this.#sockets.calls.shutdown(this.fd, linux);
  }

  localAddress(): SocketAddress | Answer {
    return this.#sockets.calls.localAddress(this.fd);
  }

  peerAddress(): SocketAddress | Answer {
    return this.#sockets.calls.peerAddress(this.fd);
  }

  getOption(option: SocketOption): Answer {
    if (option === "noDelay" && this.protocol === "udp") return -ERRNO.noprotoopt;
    const value = this.#sockets.calls.getOption(this.fd, option);
    return option === "error" && value > 0 ? fromLinux(value) : value;
  }

  setOption(option: SocketOption, value: number): Answer {
    if (option === "error" || option === "listening") return -ERRNO.noprotoopt;
    if (option === "noDelay" && this.protocol === "udp") return -ERRNO.noprotoopt;
    return this.#sockets.calls.setOption(
      this.fd,
      option,
      Math.min(Math.max(value, 0), SOCKET_BUFFER_BYTES_MAX),
    );
  }

  stat(out: FileStat): Answer {
    const answer = this.#sockets.system.stat.look(this.fd);
    if (answer >= 0) this.#sockets.system.stat.fill(out);
    return answer;
  }

  close(): Answer {
    this.#sockets.listening.forget(this.fd);
    const { library } = this.#sockets.system;
    return library.answer(library.functions.close(this.fd));
  }

  get #kind(): { family: Family; protocol: Protocol } {
    return { family: this.family, protocol: this.protocol };
  }

  #receiveMessage(into: Vectors, transfer: SocketTransfer): Answer {
    const { messages } = this.#sockets;
    const named = transfer.wantsFrom && this.protocol === "udp";
    const answer = messages.receive(this.fd, into, { flags: transfer.peek ? MSG_PEEK : 0n, named });
    if (answer < 0) return answer;
    transfer.truncated = messages.truncated;
    if (named) transfer.from = messages.from;
    return answer;
  }

  /** Goes on after the first bytes, until the buffers are full or the stream ends. */
  #receiveRest(into: Vectors, first: number): Answer {
    const rest = new Vectors();
    for (let done = first; done < into.bytes;) {
      skip(into, { bytes: done, rest });
      const answer = this.#sockets.system.transfers.read(this.fd, rest);
      if (answer === 0) return done;
      if (answer > 0) done += answer;
      // What has come is told; the error comes again with the next call.
      else if (!this.#triesAgain(answer, { events: POLLIN, nonblock: false })) return done;
    }
    return into.bytes;
  }

  /** A signal came between; or there is nothing yet, and it was waited for. */
  #triesAgain(answer: Answer, { events, nonblock }: Patience): boolean {
    if (answer === -ERRNO.intr) return true;
    if (answer !== -ERRNO.again || nonblock) return false;
    this.#sockets.system.polling.pollOne(this.fd, events);
    return true;
  }
}

/** The buffers without so many bytes at their beginning. */
function skip(vectors: Vectors, { bytes, rest }: { bytes: number; rest: Vectors }): void {
  rest.clear();
  rest.memory = vectors.memory;
  rest.address = vectors.address;
  for (let index = 0, left = bytes; index < vectors.count; index++) {
    const [pointer, length] = [vectors.places[2 * index]!, vectors.places[2 * index + 1]!];
    const skipped = Math.min(left, length);
    if (skipped < length) rest.add(pointer + skipped, length - skipped);
    left -= skipped;
  }
}

interface Patience {
  readonly events: number;
  readonly nonblock: boolean;
}
