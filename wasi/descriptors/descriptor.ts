import { ERRNO } from "../errno.ts";
import type { Answer, Eventual, FileStat, HostDirectory, HostFile, Times } from "../host/host.ts";
import type { HostSocket } from "../host/socket.ts";
import type { Vectors } from "../memory.ts";

/** What a descriptor has to do with `poll_oneoff`. */
export type Readiness = { readonly ready: true; readonly hangup: boolean } | {
  readonly ready: false;
  readonly file: HostFile | HostSocket;
};

/**
 * What stands behind a number that the guest holds. It refuses everything; each kind overrides what
 * it can do.
 */
export abstract class Descriptor {
  /** A number of WASI's `filetype`. */
  abstract readonly filetype: number;
  /** WASI's `fdflags`. */
  flags = 0;
  /** What may be done with this descriptor. It can only shrink. */
  rights: number;
  /** What may be done with those that are opened through it. It can only shrink. */
  inheriting: number;

  constructor(rights: number, inheriting: number) {
    this.rights = rights;
    this.inheriting = inheriting;
  }

  /** The directory behind it; everything but a directory has none. */
  get directory(): HostDirectory | undefined {
    return undefined;
  }

  /** Nothing can be changed through it. */
  get readOnly(): boolean {
    return false;
  }

  /** The name of a preopened directory, as UTF-8. */
  get preopenName(): Uint8Array | undefined {
    return undefined;
  }

  read(_into: Vectors): Eventual {
    return -ERRNO.badf;
  }

  write(_from: Vectors): Eventual {
    return -ERRNO.badf;
  }

  pread(_into: Vectors, _offset: bigint): Answer {
    return -ERRNO.badf;
  }

  pwrite(_from: Vectors, _offset: bigint): Answer {
    return -ERRNO.badf;
  }

  seek(_offset: number, _whence: number): Answer {
    return -ERRNO.badf;
  }

  setSize(_size: number): Answer {
    return -ERRNO.badf;
  }

  allocate(_offset: number, _length: number): Answer {
    return -ERRNO.badf;
  }

  advise(_offset: number, _length: number, _advice: number): Answer {
    return -ERRNO.badf;
  }

  /** The flags, for a guest that asks for them. */
  tellFlags(): number {
    return this.flags;
  }

  setFlags(_flags: number): Answer {
    return -ERRNO.badf;
  }

  setTimes(_times: Times): Answer {
    return -ERRNO.badf;
  }

  sync(_dataOnly: boolean): Answer {
    return -ERRNO.inval;
  }

  /** Whether a read or write would not block; undefined if waiting for it makes no sense. */
  readiness(): Readiness | undefined {
    return undefined;
  }

  abstract stat(out: FileStat): Answer;
  abstract close(): Answer;
}
