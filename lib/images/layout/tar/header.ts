/**
 * One block of a tar archive, read: POSIX.1-2001 `ustar`, GNU's and the seventh edition's.
 *
 * @module
 */
import { PullFailure } from "../../oci/failure.ts";

/** Bytes of a block; everything in an archive is padded to it. */
export const BLOCK_BYTES = 512;

/** What a header block says. */
export interface Header {
  /** The type flag, one character; `0` for a file, whatever way that was written. */
  readonly type: string;
  /** As written: prefix and name joined. */
  readonly name: string;
  readonly linkName: string;
  /** Bytes of content that follow. */
  readonly size: number;
}

/** Reads a header block; undefined for a block of zeros, which ends an archive. */
export function parseHeader(block: Uint8Array): Header | undefined {
  if (isZero(block)) return undefined;
  checkSum(block);
  const magic = latin1(block.subarray(257, 265));
  // GNU's magic is followed by two blanks; where POSIX has the prefix, it has other fields.
  const prefix = magic.startsWith("ustar\0") ? text(block.subarray(345, 500)) : "";
  const name = text(block.subarray(0, 100));
  const flag = block[156]!;
  const type = flag === 0 ? "0" : String.fromCharCode(flag);
  return {
    type,
    name: prefix === "" ? name : `${prefix}/${name}`,
    linkName: text(block.subarray(157, 257)),
    size: number(block.subarray(124, 136), "size"),
  };
}

/** A number as archivers write it: octal digits, or GNU's binary form. */
export function number(field: Uint8Array, what: string): number {
  if ((field[0]! & 0x80) !== 0) return binary(field, what);
  const digits = latin1(field).replace(/^[ \0]+|[ \0].*$/gs, "");
  if (digits === "") return 0;
  const value = /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : NaN;
  if (Number.isSafeInteger(value)) return value;
  throw broken(`the ${what} of an entry is no number`);
}

function binary(field: Uint8Array, what: string): number {
  const negative = (field[0]! & 0x40) !== 0;
  let value = field[0]! & 0x3f;
  for (const byte of field.subarray(1)) {
    value = value * 256 + byte;
    if (!Number.isSafeInteger(value)) break;
  }
  if (!negative && Number.isSafeInteger(value)) return value;
  throw broken(`the ${what} of an entry is out of range`);
}

// Loops, not callbacks: these look at every byte of every header.
function isZero(block: Uint8Array): boolean {
  for (let at = 0; at < block.length; at++) if (block[at] !== 0) return false;
  return true;
}

/** The sum of all bytes, the field of the sum itself taken as blanks. Old archivers summed signed bytes. */
function checkSum(block: Uint8Array): void {
  let unsigned = 0;
  let signed = 0;
  for (let at = 0; at < block.length; at++) {
    const counted = at >= 148 && at < 156 ? 0x20 : block[at]!;
    unsigned += counted;
    signed += counted < 128 ? counted : counted - 256;
  }
  const said = number(block.subarray(148, 156), "checksum");
  if (said !== unsigned && said !== signed) throw broken("a header's checksum is wrong");
}

/** The failure of an archive that no reader understands. */
export function broken(state: string): PullFailure {
  return new PullFailure(`one of its layers is no sound tar archive: ${state}; build it again`);
}

/** Text up to the first zero. Throws a `PullFailure` for what is not UTF-8. */
export function text(field: Uint8Array): string {
  const end = field.indexOf(0);
  return utf8(end < 0 ? field : field.subarray(0, end));
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Throws a `PullFailure` for what is not UTF-8: there is no name of a file that could be made of it. */
export function utf8(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw broken("a name is not UTF-8");
  }
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
