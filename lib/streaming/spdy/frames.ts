/**
 * The frames of SPDY/3.1, as bytes: draft-mbelshe-httpbis-spdy-00, section 2, and SPDY/3.1 for its
 * flow control.
 *
 * @module
 */
import { CONTROL_FRAME_BYTES_MAX } from "../limits.ts";
import { ProtocolError } from "../session.ts";

/** What a peer has said. Data come in pieces, as they arrive: `fin` is at the last one. */
export type Frame =
  | {
    readonly kind: "data";
    readonly streamId: number;
    readonly bytes: Uint8Array;
    readonly fin: boolean;
  }
  | {
    readonly kind: "syn_stream";
    readonly streamId: number;
    /** The sender will send nothing more on this stream. */
    readonly fin: boolean;
    /** The receiver must send nothing on it. */
    readonly unidirectional: boolean;
    /** The header block, as it was sent. */
    readonly block: Uint8Array;
  }
  | {
    readonly kind: "syn_reply" | "headers";
    readonly streamId: number;
    readonly fin: boolean;
    readonly block: Uint8Array;
  }
  | { readonly kind: "rst_stream"; readonly streamId: number; readonly status: number }
  | { readonly kind: "ping"; readonly id: number }
  | { readonly kind: "goaway"; readonly lastStreamId: number; readonly status: number }
  /** SETTINGS, WINDOW_UPDATE, CREDENTIAL and what is not known: nothing is done about them. */
  | { readonly kind: "ignored"; readonly type: number };

/** Types of control frames. */
const TYPES = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  ping: 6,
  goaway: 7,
  headers: 8,
} as const;

/** Why a stream is reset. */
export const RST_STATUS = {
  protocolError: 1,
  refusedStream: 3,
  cancel: 5,
} as const;

/** Why a connection is closed. */
export const GOAWAY_STATUS = { ok: 0, protocolError: 1, internalError: 2 } as const;

const VERSION = 3;
const HEAD_BYTES = 8;
const FLAG_FIN = 1;
const FLAG_UNIDIRECTIONAL = 2;
const ID_MASK = 0x7fffffff;

/** Turns what comes over a connection into frames. */
export class FrameReader {
  readonly #head = new Uint8Array(HEAD_BYTES);
  #headLength = 0;
  /** The control frame that is being collected. */
  #control: { type: number; flags: number; payload: Uint8Array; length: number } | undefined;
  /** The data frame that is being passed on. */
  #data: { streamId: number; fin: boolean; left: number } | undefined;

  /**
   * Reads the next bytes. Data are parts of `chunk`, not copies.
   *
   * @throws {ProtocolError} if the peer does not speak SPDY/3, or too much of it. Nothing can be read
   *   after that.
   */
  *read(chunk: Uint8Array): Generator<Frame> {
    let at = 0;
    while (at < chunk.length) {
      if (this.#data !== undefined) {
        const bytes = chunk.subarray(at, at + this.#data.left);
        at += bytes.length;
        yield this.#passOn(this.#data, bytes);
      } else if (this.#control !== undefined) {
        const control = this.#control;
        const bytes = chunk.subarray(at, at + control.payload.length - control.length);
        control.payload.set(bytes, control.length);
        control.length += bytes.length;
        at += bytes.length;
        if (control.length < control.payload.length) continue;
        this.#control = undefined;
        yield parseControl(control);
      } else {
        const bytes = chunk.subarray(at, at + HEAD_BYTES - this.#headLength);
        this.#head.set(bytes, this.#headLength);
        this.#headLength += bytes.length;
        at += bytes.length;
        if (this.#headLength < HEAD_BYTES) continue;
        this.#headLength = 0;
        const frame = this.#begin();
        if (frame !== undefined) yield frame;
      }
    }
  }

  /** Reads a frame's first 8 bytes; answers it if that is all of it. */
  #begin(): Frame | undefined {
    const head = new DataView(this.#head.buffer);
    const first = head.getUint32(0);
    const flags = head.getUint8(4);
    const length = head.getUint32(4) & 0xffffff;
    if (first >>> 31 === 0) {
      if (first === 0) throw new ProtocolError("Cannot read data frame: its stream is 0");
      const data = { streamId: first, fin: (flags & FLAG_FIN) !== 0, left: length };
      if (length > 0) this.#data = data;
      return length > 0 ? undefined : this.#passOn(data, new Uint8Array(0));
    }
    const version = (first >>> 16) & 0x7fff;
    if (version !== VERSION) {
      throw new ProtocolError(`Cannot read frame: version ${version} is not SPDY/3`);
    }
    if (length > CONTROL_FRAME_BYTES_MAX) {
      throw new ProtocolError(
        `Cannot read control frame: ${length} bytes are more than ${CONTROL_FRAME_BYTES_MAX}`,
      );
    }
    const control = { type: first & 0xffff, flags, payload: new Uint8Array(length), length: 0 };
    if (length > 0) this.#control = control;
    return length > 0 ? undefined : parseControl(control);
  }

  #passOn(data: { streamId: number; fin: boolean; left: number }, bytes: Uint8Array): Frame {
    data.left -= bytes.length;
    const last = data.left === 0;
    if (last) this.#data = undefined;
    return { kind: "data", streamId: data.streamId, bytes, fin: data.fin && last };
  }
}

function parseControl(
  { type, flags, payload }: { type: number; flags: number; payload: Uint8Array },
): Frame {
  const view = new DataView(payload.buffer);
  const bytes = (wanted: number): void => {
    if (payload.length < wanted) {
      throw new ProtocolError(`Cannot read control frame of type ${type}: it is too short`);
    }
  };
  const streamId = (): number => {
    const id = view.getUint32(0) & ID_MASK;
    if (id === 0) throw new ProtocolError(`Cannot read frame of type ${type}: its stream is 0`);
    return id;
  };
  const fin = (flags & FLAG_FIN) !== 0;
  switch (type) {
    case TYPES.synStream: {
      bytes(10);
      const unidirectional = (flags & FLAG_UNIDIRECTIONAL) !== 0;
      const block = payload.subarray(10);
      return { kind: "syn_stream", streamId: streamId(), fin, unidirectional, block };
    }
    case TYPES.synReply:
    case TYPES.headers: {
      bytes(4);
      const kind = type === TYPES.headers ? "headers" : "syn_reply";
      return { kind, streamId: streamId(), fin, block: payload.subarray(4) };
    }
    case TYPES.rstStream:
      bytes(8);
      return { kind: "rst_stream", streamId: streamId(), status: view.getUint32(4) };
    case TYPES.ping:
      bytes(4);
      return { kind: "ping", id: view.getUint32(0) };
    case TYPES.goaway:
      bytes(8);
      return {
        kind: "goaway",
        lastStreamId: view.getUint32(0) & ID_MASK,
        status: view.getUint32(4),
      };
    default:
      return { kind: "ignored", type };
  }
}

/** A DATA frame (section 2.2.2), with a copy of `bytes`. */
export function dataFrame(streamId: number, bytes: Uint8Array, fin = false): Uint8Array {
  const frame = new Uint8Array(HEAD_BYTES + bytes.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, streamId);
  view.setUint32(4, (fin ? FLAG_FIN << 24 : 0) | bytes.length);
  frame.set(bytes, HEAD_BYTES);
  return frame;
}

/** A SYN_REPLY frame (section 2.6.2): the stream is taken. */
export function synReplyFrame(streamId: number, block: Uint8Array): Uint8Array {
  const frame = controlFrame(TYPES.synReply, 4 + block.length);
  new DataView(frame.buffer).setUint32(HEAD_BYTES, streamId);
  frame.set(block, HEAD_BYTES + 4);
  return frame;
}

/** A RST_STREAM frame (section 2.6.3): nothing more is sent or taken on the stream. */
export function rstStreamFrame(streamId: number, status: number): Uint8Array {
  return numbersFrame(TYPES.rstStream, [streamId, status]);
}

/** A PING frame (section 2.6.5). The ids of a server are even. */
export function pingFrame(id: number): Uint8Array {
  return numbersFrame(TYPES.ping, [id]);
}

/** A GOAWAY frame (section 2.6.6): no more streams are taken after this one. */
export function goawayFrame(lastStreamId: number, status: number): Uint8Array {
  return numbersFrame(TYPES.goaway, [lastStreamId, status]);
}

function numbersFrame(type: number, numbers: readonly number[]): Uint8Array {
  const frame = controlFrame(type, 4 * numbers.length);
  const view = new DataView(frame.buffer, HEAD_BYTES);
  numbers.forEach((number, index) => view.setUint32(4 * index, number));
  return frame;
}

function controlFrame(type: number, length: number): Uint8Array {
  const frame = new Uint8Array(HEAD_BYTES + length);
  const view = new DataView(frame.buffer);
  view.setUint16(0, 0x8000 | VERSION);
  view.setUint16(2, type);
  view.setUint32(4, length);
  return frame;
}
