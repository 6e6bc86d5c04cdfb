/**
 * Writing messages of the Domain Name System.
 *
 * @module
 */
import { parseIp } from "../ip.ts";
import {
  CLASS_INTERNET,
  HEAD_BYTES,
  PLAIN_UDP_BYTES_MAX,
  type Query,
  RECORD_TYPE,
  TCP_BYTES_MAX,
} from "./message.ts";
import { formatName, type Labels, nameBytes } from "./name.ts";

/** What a record says. */
export type RecordData =
  | { readonly type: "A" | "AAAA"; readonly ip: string }
  | { readonly type: "CNAME" | "PTR"; readonly target: Labels }
  | {
    readonly type: "SRV";
    readonly priority: number;
    readonly weight: number;
    readonly port: number;
    readonly target: Labels;
  }
  | { readonly type: "TXT"; readonly text: string }
  /** Who is asked about a zone; says how long "there is none" holds. */
  | { readonly type: "SOA"; readonly negativeSeconds: number };

/** A record that is written. */
export type OwnRecord = RecordData & { readonly name: Labels };

/** An answer, but for its number and its question. */
export interface OwnReply {
  readonly rcode: number;
  /** The zone is our own. */
  readonly authoritative: boolean;
  readonly answers?: readonly OwnRecord[];
  readonly authorities?: readonly OwnRecord[];
  /** Left out as far as there is no room for them. */
  readonly additionals?: readonly OwnRecord[];
  /** How long the records hold. */
  readonly ttlSeconds: number;
}

/** Packets over EDNS are no larger, whatever the asker can take: they never leave the machine. */
export const UDP_BYTES_MAX = 4_096;
const FLAG = { reply: 0x8000, authoritative: 0x400, truncated: 0x200, recursion: 0x100, can: 0x80 };
/** An OPT record without options. */
const OPT_BYTES = 11;
/** Extended answers (RFC 6891, 6.1.3): a version of EDNS that we do not speak. */
const BAD_VERSION = 16;

/** Writes a question for somebody else. `id` is unguessable if it is random. */
export function writeQuery(name: Labels, { id, type }: { id: number; type: number }): Uint8Array {
  const writer = new Writer(HEAD_BYTES + nameBytes(name) + 4);
  for (const word of [id, FLAG.recursion, 1, 0, 0, 1]) writer.u16(word);
  writer.name(name);
  writer.u16(type);
  writer.u16(CLASS_INTERNET);
  writer.opt(UDP_BYTES_MAX, 0);
  return writer.bytes();
}

/**
 * Writes an answer over `over`. What does not fit into the asker's packet is left out, and it is told that there
 * is more over TCP.
 */
export function writeReply(
  query: Query,
  { over, ...reply }: OwnReply & { readonly over: "udp" | "tcp" },
): Uint8Array {
  const { question, edns, opcode } = query;
  const takes = Math.max(edns?.udpBytes ?? 0, PLAIN_UDP_BYTES_MAX);
  const bytesMax = over === "tcp" ? TCP_BYTES_MAX : Math.min(takes, UDP_BYTES_MAX);
  const writer = new Writer(bytesMax - (edns === undefined ? 0 : OPT_BYTES));
  const counts = { answers: 0, authorities: 0, additionals: 0 };
  writer.pad(HEAD_BYTES);
  writer.name(question.name);
  writer.u16(question.type);
  writer.u16(question.class);
  let truncated = false;
  for (const section of ["answers", "authorities", "additionals"] as const) {
    for (const record of truncated ? [] : reply[section] ?? []) {
      const fits = writer.attempt(() => writer.record(record, reply.ttlSeconds));
      if (fits) counts[section]++;
      else {
        truncated = section !== "additionals";
        break;
      }
    }
  }
  const badVersion = (edns?.version ?? 0) > 0;
  if (edns !== undefined) writer.opt(UDP_BYTES_MAX, badVersion ? BAD_VERSION : reply.rcode);
  const flags = FLAG.reply | opcode << 11 | FLAG.can | (query.recursion ? FLAG.recursion : 0) |
    (reply.authoritative ? FLAG.authoritative : 0) | (truncated ? FLAG.truncated : 0) |
    (badVersion ? 0 : reply.rcode);
  const { answers, authorities, additionals } = counts;
  const opts = edns === undefined ? 0 : 1;
  writer.head([query.id, flags, 1, answers, authorities, additionals + opts]);
  return writer.bytes();
}

/** A message with nothing but its head: all that can be said to who has sent no question. */
export function writeRefusal(id: number, rcode: number): Uint8Array {
  const writer = new Writer(HEAD_BYTES);
  for (const word of [id, FLAG.reply | rcode, 0, 0, 0, 0]) writer.u16(word);
  return writer.bytes();
}

/** There is no room. */
class FullError extends Error {
  override readonly name = "FullError";
}

/** Pointers reach so far. */
const POINTER_MAX = 0x3fff;

class Writer {
  #bytes = new Uint8Array(PLAIN_UDP_BYTES_MAX);
  readonly #max: number;
  #at = 0;
  /** Where names were said before: they are not said again. */
  readonly #names = new Map<string, number>();

  constructor(max: number) {
    this.#max = max;
  }

  bytes(): Uint8Array {
    return this.#bytes.slice(0, this.#at);
  }

  pad(bytes: number): void {
    this.#room(bytes);
    this.#at += bytes;
  }

  u16(value: number): void {
    this.#room(2);
    this.#bytes[this.#at++] = value >>> 8;
    this.#bytes[this.#at++] = value;
  }

  u32(value: number): void {
    this.u16(value >>> 16);
    this.u16(value);
  }

  head(words: readonly number[]): void {
    const end = this.#at;
    this.#at = 0;
    for (const word of words) this.u16(word);
    this.#at = end;
  }

  /** All of it, or nothing. */
  attempt(write: () => void): boolean {
    const start = this.#at;
    try {
      write();
      return true;
    } catch (error) {
      if (!(error instanceof FullError)) throw error;
      this.#at = start;
      for (const [name, at] of this.#names) if (at >= start) this.#names.delete(name);
      return false;
    }
  }

  name(labels: Labels, how: "short" | "whole" = "short"): void {
    for (let index = 0; index < labels.length; index++) {
      const rest = formatName(labels.slice(index));
      const before = how === "short" ? this.#names.get(rest) : undefined;
      if (before !== undefined) return this.u16(0xc000 | before);
      if (this.#at <= POINTER_MAX) this.#names.set(rest, this.#at);
      const label = labels[index]!;
      this.#room(1 + label.length);
      this.#bytes[this.#at++] = label.length;
      for (let at = 0; at < label.length; at++) this.#bytes[this.#at++] = label.charCodeAt(at);
    }
    this.pad(1);
    this.#bytes[this.#at - 1] = 0;
  }

  record(record: OwnRecord, ttlSeconds: number): void {
    this.name(record.name);
    this.u16(RECORD_TYPE[record.type]);
    this.u16(CLASS_INTERNET);
    this.u32(ttlSeconds);
    this.pad(2);
    const start = this.#at;
    this.#data(record);
    const end = this.#at;
    this.#at = start - 2;
    this.u16(end - start);
    this.#at = end;
  }

  /** Has room that was kept for it. */
  opt(udpBytes: number, rcode: number): void {
    const bytes = [
      0,
      0,
      RECORD_TYPE.OPT,
      udpBytes >> 8,
      udpBytes & 0xff,
      rcode >> 4,
      0,
      0,
      0,
      0,
      0,
    ];
    this.#grow(this.#at + bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #data(record: OwnRecord): void {
    switch (record.type) {
      case "A":
      case "AAAA":
        for (const byte of parseIp(record.ip) ?? []) {
          this.pad(1);
          this.#bytes[this.#at - 1] = byte;
        }
        return;
      case "SRV":
        for (const word of [record.priority, record.weight, record.port]) this.u16(word);
        return this.name(record.target, "whole"); // without pointers (RFC 2782)
      case "CNAME":
      case "PTR":
        return this.name(record.target);
      case "TXT":
        return this.#text(record.text);
      case "SOA":
        this.name(["ns", "dns", ...record.name]);
        this.name(["hostmaster", ...record.name]);
        // Serial, refresh, retry and expire are for secondary servers, of which there are none.
        for (const word of [1, 7_200, 1_800, 86_400, record.negativeSeconds]) this.u32(word);
    }
  }

  #text(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.pad(1 + bytes.length);
    this.#bytes[this.#at - bytes.length - 1] = bytes.length;
    this.#bytes.set(bytes, this.#at - bytes.length);
  }

  #room(bytes: number): void {
    if (this.#at + bytes > this.#max) throw new FullError();
    this.#grow(this.#at + bytes);
  }

  #grow(size: number): void {
    if (size <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(size, 2 * this.#bytes.length));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}
