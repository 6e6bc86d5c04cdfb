/**
 * Writes tar archives, also ones that no archiver would write.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { BLOCK_BYTES } from "./tar/header.ts";

/** One entry of an archive, as raw as need be. */
export interface RawEntry {
  readonly name: string;
  /** The type flag. @default {"0", a file} */
  readonly type?: string;
  readonly link?: string;
  readonly body?: Uint8Array | string;
  /** Instead of the body's own size. */
  readonly size?: number;
  readonly prefix?: string;
  /** Changes the finished block, before its checksum is written. */
  readonly patch?: (block: Uint8Array) => void;
}

/** Short forms of entries. */
export const entry = {
  file: (name: string, body: Uint8Array | string = ""): RawEntry => ({ name, body }),
  folder: (name: string): RawEntry => ({ name, type: "5" }),
  link: (name: string, link: string): RawEntry => ({ name, type: "2", link }),
  hard: (name: string, link: string): RawEntry => ({ name, type: "1", link }),
  pax: (records: Readonly<Record<string, string>>, type = "x"): RawEntry => ({
    name: "pax",
    type,
    body: Object.entries(records).map(([key, value]) => paxRecord(key, value)).join(""),
  }),
};

/** A record of an extended header: its length counts itself. */
export function paxRecord(key: string, value: string): string {
  const rest = new TextEncoder().encode(` ${key}=${value}\n`).length;
  let length = rest + String(rest).length;
  length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}

/** An archive of these entries, ended by two blocks of zeros. */
export function tarOf(...entries: readonly RawEntry[]): Uint8Array<ArrayBuffer> {
  const blocks = entries.flatMap((entry) => [headerOf(entry), padded(bodyOf(entry))]);
  return concat([...blocks, new Uint8Array(2 * BLOCK_BYTES)]);
}

/** A layer as builders make it: compressed, with the digest of what it unpacks to. */
export function layerOf(
  ...entries: readonly RawEntry[]
): { bytes: Uint8Array<ArrayBuffer>; diffId: string } {
  const tar = tarOf(...entries);
  const diffId = `sha256:${createHash("sha256").update(tar).digest("hex")}`;
  return { bytes: new Uint8Array(gzipSync(tar)), diffId };
}

/** These bytes in pieces of `size`, as a network gives them. */
export async function* inPieces(bytes: Uint8Array, size = 700): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) {
    await Promise.resolve();
    yield bytes.subarray(at, at + size);
  }
}

/** One after another. */
export function concat(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function headerOf(entry: RawEntry): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  const put = (at: number, text: string): void => block.set(new TextEncoder().encode(text), at);
  put(0, entry.name);
  put(100, "0000644\0");
  put(124, `${(entry.size ?? bodyOf(entry).length).toString(8).padStart(11, "0")}\0`);
  put(148, " ".repeat(8));
  put(156, entry.type ?? "0");
  put(157, entry.link ?? "");
  put(257, "ustar\x0000");
  put(345, entry.prefix ?? "");
  entry.patch?.(block);
  const sum = block.reduce((sum, byte) => sum + byte, 0);
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  return block;
}

function bodyOf({ body = "" }: RawEntry): Uint8Array {
  return typeof body === "string" ? new TextEncoder().encode(body) : body;
}

function padded(bytes: Uint8Array): Uint8Array {
  return concat([bytes, new Uint8Array((BLOCK_BYTES - bytes.length % BLOCK_BYTES) % BLOCK_BYTES)]);
}
