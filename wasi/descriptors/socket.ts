import { FDFLAG, FILETYPE, RIGHT } from "../abi.ts";
import { ERRNO } from "../errno.ts";
import type { Answer, Eventual, FileStat } from "../host/host.ts";
import type { HostSocket, SocketAddress, SocketTransfer } from "../host/socket.ts";
import { UDP_BYTES_MAX } from "../limits.ts";
import { Vectors } from "../memory.ts";
import type { Soon } from "../network/decision.ts";
import type { Correspondents } from "../network/incoming.ts";
import { Descriptor, type Readiness } from "./descriptor.ts";

/** How {@linkcode SocketDescriptor} was opened. */
export interface SocketDescriptorOptions {
  readonly rights: number;
  /** What connections may do that are accepted from it. */
  readonly inheriting: number;
  /** WASI's `fdflags`: `nonblock` or none. */
  readonly flags: number;
  /**
   * Becomes non-blocking as soon as the guest asks for the flags. Go's runtime does, and polls only what
   * it finds so: a blocking accept would starve its connections. Who never asks may wait in accept.
   *
   * @default {false}
   */
  readonly nonblockWhenAsked?: boolean;
  /**
   * The embedder has allowed the address that it is bound to.
   *
   * @default {false}
   */
  readonly bound?: boolean;
  /**
   * It was bound to no address in particular, whatever the embedder made of that.
   *
   * @default {false}
   */
  readonly anywhere?: boolean;
  /** Of a socket of datagrams: with whom it has to do. @default {anybody, and nobody is asked} */
  readonly correspondents?: Correspondents;
}

/** An open socket. */
export class SocketDescriptor extends Descriptor {
  readonly socket: HostSocket;
  /**
   * The embedder has allowed the address that it is bound to. The system alone cannot tell: to connect
   * binds a socket too, and it stays bound when nobody answers.
   */
  bound: boolean;
  /** It was bound to no address in particular: the guest is told so. */
  anywhere: boolean;
  /** Where the guest had it connect to, if the embedder has sent it elsewhere. */
  peer: SocketAddress | undefined;
  /** Of a socket of datagrams. */
  readonly correspondents: Correspondents | undefined;
  #nonblockWhenAsked: boolean;
  /** For the transfer that is under way. */
  #transfer = newTransfer();

  constructor(socket: HostSocket, options: SocketDescriptorOptions) {
    super(options.rights, options.inheriting);
    this.socket = socket;
    this.flags = options.flags;
    this.#nonblockWhenAsked = options.nonblockWhenAsked ?? false;
    this.bound = options.bound ?? false;
    this.anywhere = options.anywhere ?? false;
    this.correspondents = options.correspondents;
  }

  override get filetype(): number {
    return this.socket.protocol === "tcp" ? FILETYPE.socketStream : FILETYPE.socketDgram;
  }

  /** True if calls answer `again` instead of waiting. */
  get nonblock(): boolean {
    return (this.flags & FDFLAG.nonblock) !== 0;
  }

  /** It becomes non-blocking as soon as the guest asks for the flags. */
  get nonblockWhenAsked(): boolean {
    return this.#nonblockWhenAsked;
  }

  /** A transfer as `fd_read` and `fd_write` mean it: the same object, until one has to wait. */
  transfer(): SocketTransfer {
    const transfer = this.#transfer;
    transfer.nonblock = this.nonblock;
    transfer.peek =
      transfer.waitAll =
      transfer.wantsFrom =
      transfer.truncated =
        false;
    transfer.to = transfer.from = undefined;
    return transfer;
  }

  /** Receives. A transfer that waits keeps its object: another thread's next one gets its own. */
  receive(into: Vectors, transfer: SocketTransfer): Eventual {
    const answer = this.correspondents === undefined
      ? this.socket.receive(into, transfer)
      : this.#receiveAdmitted(this.correspondents, { into, transfer });
    if (typeof answer !== "number") this.#transfer = newTransfer();
    return answer;
  }

  /** Passes over datagrams that may not be read. */
  #receiveAdmitted(
    correspondents: Correspondents,
    { into, transfer }: { readonly into: Vectors; readonly transfer: SocketTransfer },
  ): Eventual {
    const { socket } = this;
    const { peek } = transfer;
    transfer.wantsFrom = true;
    for (;;) {
      // The guest must not find in its memory what it was not to read.
      const apart = correspondents.guarded ? apartFrom(into) : undefined;
      /** The count, or nothing if it is to be tried again. */
      const judge = (answer: Answer, known?: boolean): Soon<Answer | undefined> => {
        if (answer < 0) return answer;
        const admitted = known ?? correspondents.admits(socket, transfer.from);
        if (admitted instanceof Promise) return admitted.then((yes) => judge(answer, yes));
        if (admitted) {
          if (apart !== undefined) fill(into, apart.memory.subarray(0, answer));
          return answer;
        }
        transfer.from = undefined;
        transfer.truncated = false;
        // What was only looked at would be there again.
        if (peek) socket.receive(apartFrom(into), { ...transfer, peek: false, nonblock: true });
        return undefined;
      };
      const answer = socket.receive(apart ?? into, transfer);
      const judged = typeof answer === "number" ? judge(answer) : answer.then((it) => judge(it));
      if (judged instanceof Promise) {
        return judged.then((settled) =>
          settled ?? this.#receiveAdmitted(correspondents, { into, transfer })
        );
      }
      if (judged !== undefined) return judged;
    }
  }

  override read(into: Vectors): Eventual {
    if ((this.rights & RIGHT.fdRead) === 0) return -ERRNO.badf;
    return this.receive(into, this.transfer());
  }

  override write(from: Vectors): Eventual {
    if ((this.rights & RIGHT.fdWrite) === 0) return -ERRNO.badf;
    return this.socket.send(from, this.transfer());
  }

  override tellFlags(): number {
    if (this.#nonblockWhenAsked) this.setFlags(FDFLAG.nonblock);
    return this.flags;
  }

  override setFlags(flags: number): Answer {
    if ((flags & ~FDFLAG.nonblock) !== 0) return -ERRNO.notsup;
    this.flags = flags;
    this.#nonblockWhenAsked = false;
    return 0;
  }

  override seek(): Answer {
    return -ERRNO.spipe;
  }

  override stat(out: FileStat): Answer {
    const answer = this.socket.stat(out);
    out.filetype = this.filetype;
    return answer;
  }

  override readiness(): Readiness {
    return { ready: false, file: this.socket };
  }

  override close(): Answer {
    return this.socket.close();
  }
}

function newTransfer(): SocketTransfer {
  return {
    nonblock: false,
    peek: false,
    waitAll: false,
    to: undefined,
    wantsFrom: false,
    from: undefined,
    truncated: false,
  };
}

/** Memory of the host's own that takes as much of a datagram as these buffers do. */
function apartFrom({ bytes }: Vectors): Vectors {
  const apart = new Vectors();
  const room = Math.min(bytes, UDP_BYTES_MAX);
  apart.memory = new Uint8Array(room);
  if (room > 0) apart.add(0, room);
  return apart;
}

/** Copies bytes into buffers that have room for them. */
function fill(into: Vectors, bytes: Uint8Array): void {
  for (let index = 0, done = 0; done < bytes.length; index++) {
    const view = into.view(index);
    const part = bytes.subarray(done, done + view.length);
    view.set(part);
    done += part.length;
  }
}
