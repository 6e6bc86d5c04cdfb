/**
 * Headers of tar archives: POSIX ustar and pax (POSIX.1-2017, `pax`), and what GNU tar adds for long names.
 *
 * @module
 */
import type { Bytes } from "./streams.ts";
import { Trouble } from "./call.ts";

/** Archives are made of such blocks. */
export const BLOCK_BYTES = 512;

/** What an entry is. */
export type TarKind = "file" | "folder" | "symlink" | "hardlink" | "other";

/** One entry of an archive. */
export interface TarEntry {
  readonly name: string;
  readonly kind: TarKind;
  /** Of what follows the header. */
  readonly bytes: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  /** Where a link leads. */
  readonly target: string;
}

/** A block as it was read: an entry, or what is said about the next one. */
export type TarBlock =
  | { readonly is: "entry"; readonly entry: TarEntry }
  | { readonly is: "pax" | "global" | "long name" | "long target"; readonly bytes: number }
  | { readonly is: "end" };

/** Where the fields of a header are: offset and length. */
const FIELD = {
  name: [0, 100],
  mode: [100, 8],
  owner: [108, 8],
  group: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  sum: [148, 8],
  type: [156, 1],
  target: [157, 100],
  magic: [257, 8],
  prefix: [345, 155],
} as const;
const KINDS: ReadonlyMap<string, TarKind> = new Map([
  ["", "file"],
  ["0", "file"],
  ["7", "file"],
  ["1", "hardlink"],
  ["2", "symlink"],
  ["5", "folder"],
]);
const TYPES = { file: "0", hardlink: "1", symlink: "2", folder: "5", other: "0" } as const;
/** The largest size that eleven octal digits hold. */
const OCTAL_MAX = 0o77777777777;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Reads a block that begins an entry. Throws {@linkcode Trouble} if it is none. */
export function readHeader(block: Bytes): TarBlock {
  if (block.every((byte) => byte === 0)) return { is: "end" };
  if (anyNumberAt(block, FIELD.sum) !== sumOf(block)) {
    throw new Trouble("This does not look like a tar archive", 2);
  }
  const type = textAt(block, FIELD.type);
  const bytes = numberAt(block, FIELD.size);
  switch (type) {
    case "x":
      return { is: "pax", bytes };
    case "g":
      return { is: "global", bytes };
    case "L":
      return { is: "long name", bytes };
    case "K":
      return { is: "long target", bytes };
  }
  const isPosix = textAt(block, FIELD.magic).startsWith("ustar") && block[263] === 0x30;
  const prefix = isPosix ? textAt(block, FIELD.prefix) : "";
  const name = textAt(block, FIELD.name);
  const found = KINDS.get(type) ?? "other";
  return {
    is: "entry",
    entry: {
      name: prefix === "" ? name : `${prefix}/${name}`,
      // Before there was a type for folders, a slash made one.
      kind: found === "file" && name.endsWith("/") ? "folder" : found,
      bytes: found === "file" || found === "other" ? bytes : 0,
      mtime: numberAt(block, FIELD.mtime),
      target: textAt(block, FIELD.target),
    },
  };
}

/** An entry, with what a pax header said of it. */
export function withPax(entry: TarEntry, pax: ReadonlyMap<string, string>): TarEntry {
  const number = (key: string, other: number): number => {
    const value = Number(pax.get(key) ?? NaN);
    return Number.isFinite(value) && value >= 0 ? Math.floor(value) : other;
  };
  return {
    name: pax.get("path") ?? entry.name,
    kind: entry.kind,
    bytes: entry.kind === "file" ? number("size", entry.bytes) : entry.bytes,
    mtime: number("mtime", entry.mtime),
    target: pax.get("linkpath") ?? entry.target,
  };
}

/** The records of a pax header: `<length> <key>=<value>\n`, where the length is of all of it. */
export function readPax(bytes: Bytes): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at);
    const length = Number(decoder.decode(bytes.subarray(at, Math.max(at, space))));
    if (space < 0 || !Number.isSafeInteger(length) || length < 5) break;
    const record = decoder.decode(bytes.subarray(space + 1, at + length - 1));
    const equals = record.indexOf("=");
    if (equals > 0) records.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  return records;
}

/** The blocks that begin an entry: its header, with a pax header before it if its fields need one. */
export function writeHeader(entry: TarEntry): Bytes {
  const pax: [string, string][] = [];
  if (!fits(entry.name, FIELD.name[1])) pax.push(["path", entry.name]);
  if (!fits(entry.target, FIELD.target[1])) pax.push(["linkpath", entry.target]);
  if (entry.bytes > OCTAL_MAX) pax.push(["size", String(entry.bytes)]);
  const header = block(entry, TYPES[entry.kind]);
  if (pax.length === 0) return header;
  const records = encoder.encode(pax.map(([key, value]) => paxRecord(key, value)).join(""));
  const about = { ...entry, name: "PaxHeader", bytes: records.length, target: "" };
  const whole = new Uint8Array(2 * BLOCK_BYTES + padded(records.length));
  whole.set(block(about, "x"));
  whole.set(records, BLOCK_BYTES);
  whole.set(header, BLOCK_BYTES + padded(records.length));
  return whole;
}

/** Bytes of whole blocks. */
export function padded(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
}

function fits(text: string, length: number): boolean {
  return text.length <= length && /^[ -~]*$/.test(text);
}

function paxRecord(key: string, value: string): string {
  const rest = encoder.encode(` ${key}=${value}\n`).length;
  // The length counts its own digits.
  let length = rest + String(rest).length;
  if (rest + String(length).length > length) length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}

function block({ name, kind, bytes, mtime, target }: TarEntry, type: string): Bytes {
  const header = new Uint8Array(BLOCK_BYTES);
  const put = ([at, length]: readonly [number, number], text: string): void => {
    header.set(encoder.encode(text).subarray(0, length), at);
  };
  const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, "0");
  put(FIELD.name, name);
  put(FIELD.mode, kind === "file" ? "0000644" : "0000755");
  put(FIELD.owner, "0000000");
  put(FIELD.group, "0000000");
  put(FIELD.size, octal(Math.min(bytes, OCTAL_MAX), 11));
  put(FIELD.mtime, octal(Math.min(Math.max(0, mtime), OCTAL_MAX), 11));
  put(FIELD.type, type);
  put(FIELD.target, target);
  put(FIELD.magic, "ustar\x0000");
  put(FIELD.sum, `${octal(sumOf(header), 6)}\0 `);
  return header;
}

/** The sum of all bytes, with spaces in the place of the sum itself. */
function sumOf(header: Bytes): number {
  const [start, length] = FIELD.sum;
  let sum = 0;
  for (let at = 0; at < BLOCK_BYTES; at++) {
    sum += at >= start && at < start + length ? 0x20 : header[at]!;
  }
  return sum;
}

function textAt(header: Bytes, [at, length]: readonly [number, number]): string {
  const field = header.subarray(at, at + length);
  const end = field.indexOf(0);
  return decoder.decode(end < 0 ? field : field.subarray(0, end));
}

function numberAt(header: Bytes, field: readonly [number, number]): number {
  const value = anyNumberAt(header, field);
  if (!Number.isSafeInteger(value)) throw new Trouble("A number in the archive is broken", 2);
  return value;
}

/** NaN for what is no number. */
function anyNumberAt(header: Bytes, field: readonly [number, number]): number {
  const [at, length] = field;
  let value = 0;
  if ((header[at]! & 0x80) !== 0) { // GNU's binary numbers
    for (let i = 0; i < length; i++) {
      value = value * 256 + (header[at + i]! & (i === 0 ? 0x7f : 0xff));
    }
  } else {
    const text = textAt(header, field).trim();
    value = text === "" ? 0 : /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : NaN;
  }
  return value;
}
