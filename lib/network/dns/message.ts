/**
 * Messages of the Domain Name System (RFC 1035, 2782, 3596, 6891), as far as a server for pods reads and
 * writes them.
 *
 * @module
 */
import { formatIp } from "../ip.ts";
import { type Labels, NAME_BYTES_MAX } from "./name.ts";

/** Types of records, by their numbers. */
export const RECORD_TYPE = {
  A: 1,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  ANY: 255,
} as const;

/** What an answer says of itself. */
export const RCODE = {
  noError: 0,
  formError: 1,
  serverFailure: 2,
  noName: 3,
  notImplemented: 4,
  refused: 5,
} as const;

/** The Internet's class of records; there is no other in use. */
export const CLASS_INTERNET = 1;
/** Bytes of a message's head. */
export const HEAD_BYTES = 12;
/** A packet without EDNS holds so many bytes (RFC 1035, 4.2.1). */
export const PLAIN_UDP_BYTES_MAX = 512;
/** A message over TCP holds so many bytes, since its length has 16 bits. */
export const TCP_BYTES_MAX = 65_535;

/** What somebody asks for. */
export interface Question {
  readonly name: Labels;
  /** As in {@linkcode RECORD_TYPE}, or any other number. */
  readonly type: number;
  readonly class: number;
}

/** A message that asks. */
export interface Query {
  readonly id: number;
  /** 0 for a question; nothing else is answered. */
  readonly opcode: number;
  /** The asker wants it found out. */
  readonly recursion: boolean;
  readonly question: Question;
  /** What EDNS says of the asker; absent without it. */
  readonly edns?: { readonly udpBytes: number; readonly version: number };
}

/** A record of an answer, as far as it is of use here. */
export interface AnswerRecord {
  readonly name: Labels;
  readonly type: number;
  readonly ttlSeconds: number;
  /** Of types A and AAAA. */
  readonly ip?: string;
  /** Of types CNAME and PTR. */
  readonly target?: Labels;
}

/** A message that answers. */
export interface Reply {
  readonly id: number;
  readonly rcode: number;
  /** There is more, over TCP. */
  readonly truncated: boolean;
  readonly question: Question;
  readonly answers: readonly AnswerRecord[];
}

/** Bytes that are no message. */
export class MessageError extends Error {
  /** Always `MessageError`. */
  override readonly name = "MessageError";
}

/** The number of a message, to answer even what cannot be read; undefined if there is no head. */
export function messageId(bytes: Uint8Array): number | undefined {
  return bytes.length < HEAD_BYTES ? undefined : viewOf(bytes).getUint16(0);
}

/** True if it says that it is an answer: nobody answers that, or two servers would go on for ever. */
export function isReply(bytes: Uint8Array): boolean {
  return bytes.length > 2 && (bytes[2]! & 0x80) !== 0;
}

/**
 * Reads a question.
 *
 * @throws {MessageError} if it is not one question, well-formed.
 */
export function readQuery(bytes: Uint8Array): Query {
  const reader = new Reader(bytes);
  const head = reader.head();
  if (head.questions !== 1) throw new MessageError("it has not one question");
  const query = {
    id: head.id,
    opcode: head.flags >> 11 & 15,
    recursion: (head.flags & 0x100) !== 0,
    question: reader.question(),
  };
  let edns: Query["edns"];
  for (let left = head.answers + head.authorities + head.additionals; left > 0; left--) {
    const record = reader.record();
    if (record.type !== RECORD_TYPE.OPT) continue;
    if (edns !== undefined || record.name.length > 0) {
      throw new MessageError("its EDNS is not one record of the root");
    }
    edns = { udpBytes: record.class, version: record.ttl >>> 16 & 0xff };
  }
  return edns === undefined ? query : { ...query, edns };
}

/**
 * Reads an answer.
 *
 * @throws {MessageError} if it is none, well-formed, to one question.
 */
export function readReply(bytes: Uint8Array): Reply {
  const reader = new Reader(bytes);
  const head = reader.head();
  if ((head.flags & 0x8000) === 0) throw new MessageError("it is no answer");
  if (head.questions !== 1) throw new MessageError("it answers not one question");
  const question = reader.question();
  const answers: AnswerRecord[] = [];
  const truncated = (head.flags & 0x200) !== 0;
  for (let left = head.answers; left > 0; left--) {
    const { name, type, ttl, start, length } = reader.record();
    const known = { name, type, ttlSeconds: ttl > 0x7fff_ffff ? 0 : ttl };
    const addressBytes = type === RECORD_TYPE.A ? 4 : type === RECORD_TYPE.AAAA ? 16 : undefined;
    if (addressBytes !== undefined) {
      if (length !== addressBytes) throw new MessageError("an address has another length");
      answers.push({ ...known, ip: formatIp(bytes.slice(start, start + length)) });
    } else if (type === RECORD_TYPE.CNAME || type === RECORD_TYPE.PTR) {
      answers.push({ ...known, target: reader.nameAt(start, start + length) });
    } else answers.push(known);
  }
  return { id: head.id, rcode: head.flags & 15, truncated, question, answers };
}

/** Reads a message from its start; never beyond its end, and never for long. */
class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** Where it goes on. */
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
  }

  head(): Record<"id" | "flags" | "questions" | "answers" | "authorities" | "additionals", number> {
    this.#need(HEAD_BYTES);
    const [id = 0, flags = 0, questions = 0, answers = 0, authorities = 0, additionals = 0] = [
      0,
      2,
      4,
      6,
      8,
      10,
    ].map((offset) => this.#view.getUint16(offset));
    this.at = HEAD_BYTES;
    return { id, flags, questions, answers, authorities, additionals };
  }

  question(): Question {
    const name = this.#name(this.#bytes.length);
    this.#need(4);
    const [type, klass] = [this.#view.getUint16(this.at), this.#view.getUint16(this.at + 2)];
    this.at += 4;
    return { name, type, class: klass };
  }

  record(): {
    readonly name: Labels;
    readonly type: number;
    readonly class: number;
    readonly ttl: number;
    readonly start: number;
    readonly length: number;
  } {
    const name = this.#name(this.#bytes.length);
    this.#need(10);
    const { at } = this;
    const length = this.#view.getUint16(at + 8);
    this.at += 10;
    this.#need(length);
    this.at += length;
    return {
      name,
      type: this.#view.getUint16(at),
      class: this.#view.getUint16(at + 2),
      ttl: this.#view.getUint32(at + 4),
      start: at + 10,
      length,
    };
  }

  /** A name inside of a record that is read already. */
  nameAt(start: number, end: number): Labels {
    const here = this.at;
    this.at = start;
    const name = this.#name(end);
    this.at = here;
    return name;
  }

  /** A pointer leads back, and further back each time, so that there is an end (RFC 1035, 4.1.4). */
  #name(end: number): Labels {
    const labels: string[] = [];
    let [at, size] = [this.at, 1];
    let limit = end;
    let back = this.at;
    let after: number | undefined;
    for (;;) {
      if (at >= limit) throw new MessageError("a name goes beyond the end");
      const length = this.#bytes[at]!;
      if (length >= 0xc0) {
        if (at + 1 >= limit) throw new MessageError("a pointer goes beyond the end");
        after ??= at + 2;
        at = this.#view.getUint16(at) & 0x3fff;
        if (at >= back) throw new MessageError("a pointer does not lead back");
        limit = this.#bytes.length;
        back = at;
        continue;
      }
      if (length >= 0x40) throw new MessageError("a label is of no known kind");
      at++;
      if (length === 0) break;
      if (at + length > limit) throw new MessageError("a label goes beyond the end");
      size += 1 + length;
      if (size > NAME_BYTES_MAX) throw new MessageError("a name is too long");
      labels.push(String.fromCharCode(...this.#bytes.subarray(at, at + length)));
      at += length;
    }
    this.at = after ?? at;
    return labels;
  }

  #need(bytes: number): void {
    if (this.at + bytes > this.#bytes.length) throw new MessageError("it ends too soon");
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
