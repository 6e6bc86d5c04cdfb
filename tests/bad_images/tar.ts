/**
 * Tar archives as nobody should make them.
 *
 * @module
 */

const BLOCK_BYTES = 512;

/** One entry, as it is to be written: nothing is checked. */
export interface RawEntry {
  readonly name: string;
  /** The type flag. @default {"0", a file} */
  readonly type?: string;
  readonly target?: string;
  readonly body?: Uint8Array | string;
  /** What the header says instead of the body's length; 12 characters of octal digits. */
  readonly size?: string;
  /** The checksum is one too many. */
  readonly isBroken?: true;
}

/** An archive of these entries. */
export function rawTar(...entries: readonly RawEntry[]): Uint8Array<ArrayBuffer> {
  const pieces = entries.flatMap((entry) => {
    const body = toBytes(entry.body ?? "");
    return [header(entry, body.length), body, new Uint8Array(padding(body.length))];
  });
  return concat(...pieces, new Uint8Array(2 * BLOCK_BYTES));
}

/** All of these, one behind the other. */
export function concat(...pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function header(entry: RawEntry, length: number): Uint8Array {
  const { name, type = "0", target = "", isBroken } = entry;
  const block = new Uint8Array(BLOCK_BYTES);
  const put = (at: number, text: string): void => block.set(toBytes(text), at);
  put(0, name);
  put(100, "0000755\0");
  put(124, entry.size ?? `${length.toString(8).padStart(11, "0")}\0`);
  put(148, " ".repeat(8));
  put(156, type);
  put(157, target);
  put(257, "ustar\x0000");
  const sum = block.reduce((sum, byte) => sum + byte, 0) + (isBroken ? 1 : 0);
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  return block;
}

function padding(length: number): number {
  return (BLOCK_BYTES - length % BLOCK_BYTES) % BLOCK_BYTES;
}

function toBytes(text: Uint8Array | string): Uint8Array {
  return typeof text === "string" ? new TextEncoder().encode(text) : text;
}
