/**
 * What a client says in SPDY/3.1, for tests.
 *
 * @module
 */
import { constants, createDeflate } from "node:zlib";
import { HEADER_DICTIONARY } from "./dictionary.ts";
import { type Frame, FrameReader } from "./frames.ts";

/** Flags of frames. */
export const FLAGS = { none: 0, fin: 1, unidirectional: 2 } as const;

/** Writes a client's frames. Close it: its headers are compressed in one stream. */
export class TestClient implements Disposable {
  readonly #deflate = createDeflate({
    dictionary: HEADER_DICTIONARY,
    flush: constants.Z_SYNC_FLUSH,
  });
  #pieces: Uint8Array[] = [];

  constructor() {
    this.#deflate.on("data", (piece: Uint8Array) => this.#pieces.push(piece));
  }

  [Symbol.dispose](): void {
    this.#deflate.close();
  }

  /** A header block. */
  async block(headers: Readonly<Record<string, string>>): Promise<Uint8Array> {
    const bytes = headerBlock(headers);
    await new Promise<void>((resolve) => this.#deflate.write(bytes, () => resolve()));
    return new Uint8Array(Buffer.concat(this.#pieces.splice(0)));
  }

  /** SYN_STREAM. */
  async open(
    id: number,
    { headers, flags = FLAGS.none }: { headers: Readonly<Record<string, string>>; flags?: number },
  ): Promise<Uint8Array> {
    const block = await this.block(headers);
    return control(1, { flags, payload: [...word(id), ...word(0), 0, 0, ...block] });
  }

  /** HEADERS, for a stream that is open. */
  async more(id: number, headers: Readonly<Record<string, string>>): Promise<Uint8Array> {
    return control(8, { payload: [...word(id), ...await this.block(headers)] });
  }
}

/** A name/value block, as it is before it is compressed. */
export function headerBlock(headers: Readonly<Record<string, string>>): Uint8Array {
  const texts = Object.entries(headers).flat().map((text) => new TextEncoder().encode(text));
  return Uint8Array.from([
    ...word(texts.length / 2),
    ...texts.flatMap((text) => [...word(text.length), ...text]),
  ]);
}

/** DATA. */
export function data(id: number, bytes: Uint8Array, flags: number = FLAGS.none): Uint8Array {
  const frame = new Uint8Array(8 + bytes.length);
  frame.set([...word(id), flags, ...word(bytes.length).slice(1)]);
  frame.set(bytes, 8);
  return frame;
}

/** RST_STREAM. */
export function reset(id: number): Uint8Array {
  return control(3, { payload: [...word(id), ...word(5)] });
}

/** PING. */
export function ping(id: number): Uint8Array {
  return control(6, { payload: word(id) });
}

/** GOAWAY. */
export function goaway(): Uint8Array {
  return control(7, { payload: [...word(0), ...word(0)] });
}

/** Any control frame. */
export function control(
  type: number,
  { flags = FLAGS.none, payload }: { flags?: number; payload: readonly number[] },
): Uint8Array {
  return Uint8Array.from([
    ...[0x80, 3, type >>> 8, type & 0xff, flags],
    ...word(payload.length).slice(1),
    ...payload,
  ]);
}

function word(number: number): number[] {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff);
}

/** What a server has sent. */
export function framesOf(chunks: readonly (Uint8Array | string)[]): Frame[] {
  const reader = new FrameReader();
  return chunks.flatMap((chunk) => [...reader.read(chunk as Uint8Array)]);
}

/** Text of the data that a server has sent on a stream. */
export function dataOf(chunks: readonly (Uint8Array | string)[], id: number): string {
  return framesOf(chunks).map((frame) =>
    frame.kind === "data" && frame.streamId === id ? new TextDecoder().decode(frame.bytes) : ""
  ).join("");
}
