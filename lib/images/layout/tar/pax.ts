/**
 * Extended headers of POSIX.1-2001 ("pax"): what does not fit into a header block.
 *
 * @module
 */
import { broken, utf8 } from "./header.ts";

/** What of an extended header matters here. */
export interface Pax {
  readonly path?: string;
  readonly linkpath?: string;
  /** Bytes of content, instead of the header's. */
  readonly size?: number;
  /** It describes a file with holes, in one of GNU's ways. */
  readonly sparse?: true;
}

/** Reads records of `<length> <key>=<value>\n`. Throws a `PullFailure` for anything else. */
export function parsePax(bytes: Uint8Array): Pax {
  let pax: Pax = {};
  for (let at = 0; at < bytes.length;) {
    const { key, value, end } = record(bytes, at);
    pax = { ...pax, ...meaning(key, value) };
    at = end;
  }
  return pax;
}

function meaning(key: string, value: Uint8Array): Pax {
  switch (key) {
    case "path":
      return { path: name(value) };
    case "linkpath":
      return { linkpath: name(value) };
    case "size":
      return { size: decimal(value) };
    default:
      return key.startsWith("GNU.sparse.") ? { sparse: true } : {};
  }
}

function record(
  bytes: Uint8Array,
  at: number,
): { key: string; value: Uint8Array; end: number } {
  const blank = bytes.indexOf(0x20, at);
  // 10 digits are enough for any length that could be true.
  const digits = blank < 0 || blank - at > 10 ? "" : utf8(bytes.subarray(at, blank));
  const end = at + (/^[1-9][0-9]*$/.test(digits) ? Number(digits) : NaN);
  if (!(end <= bytes.length) || bytes[end - 1] !== 0x0a || end <= blank) throw wrong();
  const equals = bytes.subarray(blank + 1, end - 1).indexOf(0x3d);
  if (equals < 1) throw wrong();
  const from = blank + 1;
  return {
    key: utf8(bytes.subarray(from, from + equals)),
    value: bytes.subarray(from + equals + 1, end - 1),
    end,
  };
}

function name(value: Uint8Array): string {
  const text = utf8(value);
  // In a block, a zero would end the name: what lies behind it must not count here either.
  if (text.includes("\0")) throw broken("a name holds a NUL");
  return text;
}

function decimal(value: Uint8Array): number {
  const text = utf8(value);
  const size = /^[0-9]{1,16}$/.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(size)) throw broken("the size of an entry is no number");
  return size;
}

function wrong(): Error {
  return broken("an extended header is malformed");
}
