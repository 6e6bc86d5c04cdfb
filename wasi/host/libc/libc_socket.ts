import { ERRNO } from "../../errno.ts";
import { SOCKET_BUFFER_BYTES_MAX } from "../../limits.ts";
import { Vectors } from "../../memory.ts";
import type { Answer, FileStat } from "../host.ts";
import {
  type Family,
  type HostSocket,
  type Protocol,
  SHUTDOWN,
  type SocketAddress,
  type SocketOption,
  type SocketTransfer,
} from "../socket.ts";
import { POLLIN, POLLOUT } from "./constants.ts";
import type { LibcSystem } from "./libc_system.ts";
import { fromLinux } from "./linux_errno.ts";

const MSG_PEEK = 2n;

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
  readonly #system: LibcSystem;

  constructor(system: LibcSystem, { fd, family, protocol }: LibcSocketOptions) {
    this.#system = system;
    this.fd = fd;
    this.family = family;
    this.protocol = protocol;
  }

  /** A new socket, not bound. */
  static open(system: LibcSystem, family: Family, protocol: Protocol): LibcSocket | Answer {
    const fd = system.sockets.socket(family, protocol);
    return fd < 0 ? fd : new LibcSocket(system, { fd, family, protocol });
  }

  bind(address: SocketAddress): Answer {
    return this.#system.sockets.bind(this.fd, address);
  }

  listen(backlog: number): Answer {
    return this.#system.sockets.listen(this.fd, backlog);
  }

  accept({ nonblock }: { nonblock: boolean }): HostSocket | Answer {
    while (true) {
      const fd = this.#system.sockets.accept(this.fd);
      if (fd >= 0) return new LibcSocket(this.#system, { ...this.#kind, fd });
      if (!this.#triesAgain(fd, { events: POLLIN, nonblock })) return fd;
    }
  }

  connect(
    address: SocketAddress,
    { nonblock, source }: { nonblock: boolean; source?: SocketAddress },
  ): Answer {
    const { sockets } = this.#system;
    if (source !== undefined) {
      if (source.port === 0) sockets.choosePortLate(this.fd);
      const bound = sockets.bind(this.fd, source);
      if (bound < 0) return bound;
    }
    const begun = sockets.connect(this.fd, address);
    if (begun !== -ERRNO.inprogress || nonblock) return begun;
    while (this.#system.polling.pollOne(this.fd, POLLOUT) <= 0);
    return -this.getOption("error");
  }

  receive(into: Vectors, transfer: SocketTransfer): Answer {
    const { nonblock, peek } = transfer;
    const stream = this.protocol === "tcp";
    while (true) {
      const answer = stream && !peek
        ? this.#system.transfers.read(this.fd, into)
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
      const answer = this.#system.messages.send(this.fd, from, to);
      if (answer >= 0 || !this.#triesAgain(answer, { events: POLLOUT, nonblock })) return answer;
    }
  }

  shutdown(how: number): Answer {
    const linux = how === SHUTDOWN.receive ? 0 : how === SHUTDOWN.send ? 1 : 2;
    return this.#system.sockets.shutdown(this.fd, linux);
  }

  localAddress(): SocketAddress | Answer {
    return this.#system.sockets.localAddress(this.fd);
  }

  peerAddress(): SocketAddress | Answer {
    return this.#system.sockets.peerAddress(this.fd);
  }

  getOption(option: SocketOption): Answer {
    if (option === "noDelay" && this.protocol === "udp") return -ERRNO.noprotoopt;
    const value = this.#system.sockets.getOption(this.fd, option);
    return option === "error" && value > 0 ? fromLinux(value) : value;
  }

  setOption(option: SocketOption, value: number): Answer {
    if (option === "error" || option === "listening") return -ERRNO.noprotoopt;
    if (option === "noDelay" && this.protocol === "udp") return -ERRNO.noprotoopt;
    return this.#system.sockets.setOption(
      this.fd,
      option,
      Math.min(Math.max(value, 0), SOCKET_BUFFER_BYTES_MAX),
    );
  }

  stat(out: FileStat): Answer {
    const answer = this.#system.stat.look(this.fd);
    if (answer >= 0) this.#system.stat.fill(out);
    return answer;
  }

  close(): Answer {
    const { library } = this.#system;
    return library.answer(library.functions.close(this.fd));
  }

  get #kind(): { family: Family; protocol: Protocol } {
    return { family: this.family, protocol: this.protocol };
  }

  #receiveMessage(into: Vectors, transfer: SocketTransfer): Answer {
    const { messages } = this.#system;
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
      const answer = this.#system.transfers.read(this.fd, rest);
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
    this.#system.polling.pollOne(this.fd, events);
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
