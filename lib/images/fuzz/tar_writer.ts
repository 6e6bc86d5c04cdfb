/**
 * Writes tar archives fast, right ones and others. For tests only.
 *
 * @module
 */
const BLOCK_BYTES = 512;
/** Bytes of the largest archive that is made. */
const ARCHIVE_BYTES_MAX = 256 * 1024;
const encoder = new TextEncoder();

/** What a header block is to say. */
export interface RawHeader {
  readonly name: string;
  /** One character. */
  readonly type: string;
  readonly link?: string;
  readonly prefix?: string;
  /** The field of the size as it is written. @default {that of the body in octal digits} */
  readonly size?: string | Uint8Array;
  /** @default {nothing} */
  readonly body?: string | Uint8Array;
}

/** Archives, written one after another into the same memory. */
export class TarWriter {
  readonly #bytes = new Uint8Array(ARCHIVE_BYTES_MAX);
  #end = 0;

  /** The archive so far, ended by zeros. It is valid until the next {@linkcode begin}. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#end + 2 * BLOCK_BYTES);
  }

  /** Forgets what was written. */
  begin(): void {
    this.#bytes.fill(0, 0, this.#end + 2 * BLOCK_BYTES);
    this.#end = 0;
  }

  /** Adds an entry; a name that does not fit is cut off. */
  add({ name, type, link = "", prefix = "", size, body = "" }: RawHeader): void {
    const block = this.#bytes.subarray(this.#end, this.#end + BLOCK_BYTES);
    this.#end += BLOCK_BYTES;
    const length = this.#put(body);
    encoder.encodeInto(name, block.subarray(0, 100));
    encoder.encodeInto(type, block.subarray(156, 157));
    encoder.encodeInto(link, block.subarray(157, 257));
    encoder.encodeInto("ustar\x0000", block.subarray(257, 265));
    encoder.encodeInto(prefix, block.subarray(345, 500));
    const field = size ?? `${length.toString(8).padStart(11, "0")}\0`;
    if (typeof field === "string") encoder.encodeInto(field, block.subarray(124, 136));
    else block.set(field.subarray(0, 12), 124);
    mendChecksum(block);
  }

  #put(body: string | Uint8Array): number {
    const space = this.#bytes.subarray(this.#end);
    if (typeof body !== "string") space.set(body);
    const length = typeof body === "string" ? encoder.encodeInto(body, space).written : body.length;
    this.#end += Math.ceil(length / BLOCK_BYTES) * BLOCK_BYTES;
    return length;
  }
}

/** Makes the checksum of a header block right. */
export function mendChecksum(block: Uint8Array): void {
  block.fill(0x20, 148, 156);
  let sum = 0;
  for (let at = 0; at < BLOCK_BYTES; at++) sum += block[at]!;
  encoder.encodeInto(`${sum.toString(8).padStart(6, "0")}\0 `, block.subarray(148, 156));
}

/** A record of an extended header: its length counts itself. */
export function paxRecord(key: string, value: string): string {
  const rest = encoder.encode(` ${key}=${value}\n`).length;
  const length = rest + String(rest).length;
  return `${rest + String(length).length} ${key}=${value}\n`;
}
