import { FDFLAG, FILETYPE, RIGHT, RIGHTS_STREAM } from "../abi.ts";
import { ERRNO } from "../errno.ts";
import type { Answer, FileStat } from "../host/host.ts";
import type { Vectors } from "../memory.ts";
import { Descriptor, type Readiness } from "./descriptor.ts";

/** Takes what a guest writes. The bytes are the guest's memory: valid during the call only. */
export type Sink = (bytes: Uint8Array) => void;

/** A standard stream that this process itself stands behind: an empty input, or an output. */
export class StreamDescriptor extends Descriptor {
  override readonly filetype = FILETYPE.unknown;
  readonly #sink: Sink | undefined;

  /** With a sink it can be written to; without one it can be read, and is at its end. */
  constructor(sink?: Sink) {
    super(RIGHTS_STREAM | (sink === undefined ? RIGHT.fdRead : RIGHT.fdWrite), 0);
    this.#sink = sink;
  }

  override read(): Answer {
    return this.#sink === undefined && (this.rights & RIGHT.fdRead) !== 0 ? 0 : -ERRNO.badf;
  }

  override write(from: Vectors): Answer {
    if (this.#sink === undefined || (this.rights & RIGHT.fdWrite) === 0) return -ERRNO.badf;
    for (let index = 0; index < from.count; index++) this.#sink(from.view(index));
    return from.bytes;
  }

  override seek(): Answer {
    return -ERRNO.spipe;
  }

  override setFlags(flags: number): Answer {
    if ((flags & ~(FDFLAG.append | FDFLAG.nonblock)) !== 0) return -ERRNO.notsup;
    this.flags = flags;
    return 0;
  }

  override stat(out: FileStat): Answer {
    out.dev =
      out.ino =
      out.size =
      out.atimNs =
      out.mtimNs =
      out.ctimNs =
        0n;
    out.nlink = 1n;
    out.filetype = this.filetype;
    return 0;
  }

  override readiness(): Readiness {
    return { ready: true, hangup: this.#sink === undefined };
  }

  override close(): Answer {
    return 0;
  }
}
