/**
 * The headers of SPDY streams: name/value blocks in one zlib stream for each direction of a
 * connection (section 2.6.10).
 *
 * @module
 */
import { constants, createInflate } from "node:zlib";
import { HEADER_BLOCK_BYTES_MAX, HEADERS_MAX } from "../limits.ts";
import { ProtocolError } from "../session.ts";
import { HEADER_DICTIONARY, HEADER_DICTIONARY_ID } from "./dictionary.ts";

/** A stream's headers by their names, which are in lower case. */
export type Headers = ReadonlyMap<string, string>;

/** Inflates the header blocks of one direction, each in its turn. */
export class HeaderInflater {
  readonly #inflate = createInflate({
    dictionary: HEADER_DICTIONARY,
    flush: constants.Z_SYNC_FLUSH,
    finishFlush: constants.Z_SYNC_FLUSH,
  });
  #pieces: Uint8Array[] = [];
  #length = 0;
  #failed: ((error: Error) => void) | undefined;
  #unusable = false;

  constructor() {
    this.#inflate.on("data", (piece: Uint8Array) => this.#keep(piece));
    this.#inflate.on("error", (error: Error) => this.#fail(error.message));
    // The stream of a direction has no end; what comes behind one is not inflated.
    this.#inflate.on("end", () => this.#fail("the compressed stream has an end"));
  }

  /**
   * Inflates the next block. Blocks must not overlap in time, and none may be left out.
   *
   * @throws {ProtocolError} if it cannot be inflated, or is too long. No other block can be inflated
   *   then.
   */
  async inflate(block: Uint8Array): Promise<Uint8Array> {
    if (this.#unusable) {
      throw new ProtocolError("Cannot inflate headers: an earlier block was broken");
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#failed = reject;
    this.#inflate.write(block, () => resolve());
    await promise;
    this.#failed = undefined;
    const bytes = new Uint8Array(this.#length);
    let at = 0;
    for (const piece of this.#pieces.splice(0)) {
      bytes.set(piece, at);
      at += piece.length;
    }
    this.#length = 0;
    return bytes;
  }

  /** Lets go of zlib's memory; a block that is being inflated fails. */
  close(): void {
    this.#fail("the connection is closed");
  }

  #keep(piece: Uint8Array): void {
    this.#length += piece.length;
    if (this.#length <= HEADER_BLOCK_BYTES_MAX) this.#pieces.push(piece);
    else this.#fail(`they are longer than ${HEADER_BLOCK_BYTES_MAX} bytes`);
  }

  #fail(why: string): void {
    if (!this.#unusable) {
      this.#unusable = true;
      this.#inflate.close();
    }
    this.#failed?.(new ProtocolError(`Cannot inflate headers: ${why}`));
    this.#failed = undefined;
  }
}

/**
 * Reads a name/value block.
 *
 * @throws {ProtocolError} for anything but what section 2.6.10 describes.
 */
export function parseHeaders(block: Uint8Array): Headers {
  const view = new DataView(block.buffer, block.byteOffset, block.length);
  let at = 0;
  const number = (): number => {
    if (at + 4 > block.length) {
      throw new ProtocolError("Cannot read headers: the block is too short");
    }
    at += 4;
    return view.getUint32(at - 4);
  };
  const text = (): string => {
    const length = number();
    if (length > block.length - at) {
      throw new ProtocolError("Cannot read headers: the block is too short");
    }
    at += length;
    return LATIN1.decode(block.subarray(at - length, at));
  };
  const count = number();
  if (count > HEADERS_MAX) {
    throw new ProtocolError(`Cannot read headers: ${count} are more than ${HEADERS_MAX}`);
  }
  const headers = new Map<string, string>();
  for (let index = 0; index < count; index++) {
    const name = text();
    if (name === "" || name !== name.toLowerCase() || headers.has(name)) {
      throw new ProtocolError(
        `Cannot read header ${JSON.stringify(name)}: names are in lower case, and come once`,
      );
    }
    headers.set(name, text());
  }
  if (at !== block.length) throw new ProtocolError("Cannot read headers: the block is too long");
  return headers;
}

const LATIN1 = new TextDecoder("latin1");

/**
 * Writes the blocks of replies, which have no headers. Nothing that is sent ever repeats, so the
 * compressed stream is made of stored blocks (RFC 1951, 3.2.4), and there is no compressor to keep.
 */
export class EmptyHeaderBlocks {
  #begun = false;

  /** The next block. */
  next(): Uint8Array {
    const begin = this.#begun ? [] : STREAM_HEAD;
    this.#begun = true;
    return Uint8Array.of(...begin, ...NO_HEADERS);
  }
}

/** RFC 1950: deflate with a window of 32 KiB, the best compression, and a dictionary. */
const STREAM_HEAD = [0x78, 0xf9, ...bigEndian(HEADER_DICTIONARY_ID)];
/**
 * A stored block that is not the last: its length, the same inverted, and a count of 0. Then an empty
 * one, as a flush writes it: Go's reader holds back what came before until it sees one.
 */
const NO_HEADERS = [
  ...[0x00, 0x04, 0x00, 0xfb, 0xff, 0x00, 0x00, 0x00, 0x00],
  ...[0x00, 0x00, 0x00, 0xff, 0xff],
];

function bigEndian(number: number): number[] {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff);
}
