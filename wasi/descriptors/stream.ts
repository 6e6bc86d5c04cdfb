import { FDFLAG, FILETYPE, RIGHT, RIGHTS_STREAM } from "../abi.ts";
import { ERRNO } from "../errno.ts";
import type { Answer, FileStat } from "../host/host.ts";
import { tellStream } from "../host/standard.ts";
import type { Vectors } from "../memory.ts";
import { Descriptor, type Readiness } from "./descriptor.ts";

/** Takes what a guest writes. The bytes are the guest's memory: valid during the call only. */
export type Sink = (bytes: Uint8Array) => void;

/**
 * Fills the bytes with what a guest is to read and answers how many; 0 is the end. The bytes are the
 * guest's memory: valid during the call only.
 */
export type Source = (into: Uint8Array) => number;

/** What {@linkcode StreamDescriptor} leads to; without either it is an input at its end. */
export type StreamEnd = { readonly sink: Sink } | { readonly source: Source };

/** A standard stream that this process itself stands behind: an input or an output. */
export class StreamDescriptor extends Descriptor {
  override filetype: number;
  /** Where it leads. */
  readonly end: StreamEnd | undefined;
  readonly #sink: Sink | undefined;
  readonly #source: Source | undefined;

  /**
   * With a sink it can be written to, otherwise read. A guest takes a character device for a terminal;
   * others are of no known type.
   */
  constructor(end?: StreamEnd, { terminal = false }: { readonly terminal?: boolean } = {}) {
    const output = end !== undefined && "sink" in end;
    super(RIGHTS_STREAM | (output ? RIGHT.fdWrite : RIGHT.fdRead), 0);
    this.filetype = terminal ? FILETYPE.characterDevice : FILETYPE.unknown;
    this.end = end;
    this.#sink = output ? end.sink : undefined;
    this.#source = end !== undefined && "source" in end ? end.source : undefined;
  }

  override read(into: Vectors): Answer {
    if (this.#sink !== undefined || (this.rights & RIGHT.fdRead) === 0) return -ERRNO.badf;
    if (this.#source === undefined || into.count === 0) return 0;
    // Only the first buffer: a second question could block although there is something to tell.
    const view = into.view(0);
    const count = this.#source(view);
    if (Number.isInteger(count) && count >= 0 && count <= view.length) return count;
    throw new RangeError(`Cannot read standard input: its source answered ${count} bytes`);
  }

  override write(from: Vectors): Answer {
    if (this.#sink === undefined || this.refusesWrites) return -ERRNO.badf;
    for (let index = 0; index < from.count; index++) this.#sink(from.content(index));
    return from.bytes;
  }

  /** True for an input, and for an output that has lost its right. */
  get refusesWrites(): boolean {
    return this.#sink === undefined || (this.rights & RIGHT.fdWrite) === 0;
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
    tellStream(this.filetype, out);
    return 0;
  }

  override readiness(): Readiness {
    return { ready: true, hangup: this.#sink === undefined && this.#source === undefined };
  }

  override close(): Answer {
    return 0;
  }
}
