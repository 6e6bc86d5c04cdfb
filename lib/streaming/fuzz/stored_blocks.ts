/**
 * A client's header blocks without a compressor, which costs more than everything else in a case. For
 * tests only.
 *
 * @module
 */
import { HEADER_DICTIONARY_ID } from "../spdy/dictionary.ts";
import { headerBlock } from "../spdy/_test_client.ts";

/** RFC 1950, as a client writes it before its first block. */
const STREAM_HEAD = Uint8Array.of(
  ...[0x78, 0xf9],
  ...[24, 16, 8, 0].map((shift) => (HEADER_DICTIONARY_ID >>> shift) & 0xff),
);
/** What is before a block in a SYN_STREAM frame. */
const HEAD_BYTES = 18;

/** Blocks by their headers: few different ones are sent again and again. */
const written = new Map<string, Uint8Array>();

/** One direction of a connection: blocks are in one zlib stream, each stored as it is. */
export class StoredBlocks {
  #begun = false;

  /** SYN_STREAM. */
  open(
    id: number,
    { headers }: { readonly headers: Readonly<Record<string, string>> },
  ): Uint8Array {
    const block = storedBlock(headers);
    const before = this.#begun ? 0 : STREAM_HEAD.length;
    const frame = new Uint8Array(HEAD_BYTES + before + block.length);
    const view = new DataView(frame.buffer);
    view.setUint32(0, 0x80030001);
    view.setUint32(4, frame.length - 8);
    view.setUint32(8, id);
    if (!this.#begun) frame.set(STREAM_HEAD, HEAD_BYTES);
    frame.set(block, HEAD_BYTES + before);
    this.#begun = true;
    return frame;
  }
}

/** A stored block (RFC 1951, 3.2.4), and an empty one, as a flush writes it. */
function storedBlock(headers: Readonly<Record<string, string>>): Uint8Array {
  const key = Object.entries(headers).flat().join("|");
  const known = written.get(key);
  if (known !== undefined) return known;
  const bytes = headerBlock(headers);
  const length = [bytes.length & 0xff, bytes.length >>> 8];
  const inverted = length.map((byte) => byte ^ 0xff);
  const block = Uint8Array.of(0, ...length, ...inverted, ...bytes, 0, 0, 0, 0xff, 0xff);
  written.set(key, block);
  return block;
}
