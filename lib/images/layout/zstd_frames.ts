/**
 * Where the frames of a zstd stream begin and end (RFC 8878 §3.1).
 *
 * The runtime's decompressor reads one frame and drops what follows in the same piece, but many
 * builders write layers of several frames. So it is given one frame at a time.
 *
 * @module
 */
import { PullFailure } from "../oci/failure.ts";
import { ZSTD_FRAMES_MAX, ZSTD_WINDOW_BYTES_MAX } from "./limits.ts";
import type { ByteSource } from "./tar/byte_source.ts";
import { Turns } from "./turns.ts";

const FRAME_MAGIC = 0xfd2fb528;
/** 16 magic numbers, of frames that hold something else than data. */
const SKIPPABLE_MAGIC = 0x184d2a50;
const BLOCK_RLE = 1;
const BLOCK_RESERVED = 3;

/** Bytes that are handed on at once: frames and blocks may be a few bytes long, and come in millions. */
const GATHERED_BYTES = 64 * 1024;

type Take = (bytes: Uint8Array) => Promise<void>;

/** The frames of a stream, one by one. */
export class ZstdFrames {
  readonly #source: ByteSource;
  readonly #turns = new Turns(new AbortController().signal);
  readonly #gathered = new Uint8Array(GATHERED_BYTES);
  readonly #framesMax: number;
  #frames = 0;

  /** Reads from `source` only what it is asked for. */
  constructor(source: ByteSource, framesMax = ZSTD_FRAMES_MAX) {
    this.#source = source;
    this.#framesMax = framesMax;
  }

  /**
   * The bytes of the next frame with data, piece by piece, checked for its structure; false if there is
   * none. Frames that hold something else are passed over. A piece is only valid until `take` settles.
   *
   * Throws a `PullFailure` for what is no frame, is cut off, or asks for too much memory or time.
   */
  async next(take: Take): Promise<boolean> {
    for (;;) {
      await this.#turns.next();
      const head = await this.#source.exactly(4);
      if (head === undefined) return false;
      if (++this.#frames > this.#framesMax) {
        throw broken(`it has more than ${this.#framesMax} frames`);
      }
      const magic = littleEndian(head);
      if (magic === FRAME_MAGIC) {
        const gathering = new Gathering(this.#gathered, take);
        await gathering.take(head);
        await new Frame(this.#source, { take: (b) => gathering.take(b), turns: this.#turns })
          .read();
        await gathering.flush();
        return true;
      }
      if ((magic & ~0xf) >>> 0 !== SKIPPABLE_MAGIC) throw broken("it does not go on with a frame");
      await this.#source.pass(littleEndian(await exactly(this.#source, 4)));
    }
  }
}

/** Small pieces, handed on as large ones. */
class Gathering {
  readonly #bytes: Uint8Array;
  readonly #take: Take;
  #length = 0;

  constructor(bytes: Uint8Array, take: Take) {
    this.#bytes = bytes;
    this.#take = take;
  }

  async take(bytes: Uint8Array): Promise<void> {
    if (this.#length + bytes.length > this.#bytes.length) await this.flush();
    if (bytes.length > this.#bytes.length) return await this.#take(bytes);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  async flush(): Promise<void> {
    if (this.#length > 0) await this.#take(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
  }
}

/** One frame behind its magic number. */
class Frame {
  readonly #source: ByteSource;
  readonly #take: Take;
  readonly #turns: Turns;

  constructor(source: ByteSource, { take, turns }: { readonly take: Take; readonly turns: Turns }) {
    this.#source = source;
    this.#take = take;
    this.#turns = turns;
  }

  async read(): Promise<void> {
    const descriptor = await this.#readHeader();
    for (let isLast = false; !isLast;) isLast = await this.#readBlock();
    if ((descriptor & 0x04) !== 0) await this.#copy(4);
  }

  /** Hands the header on after its checks: the decompressor has a limit of its own, and other words. */
  async #readHeader(): Promise<number> {
    const header: Uint8Array[] = [];
    const next = async (length: number): Promise<Uint8Array> => {
      const bytes = length === 0 ? new Uint8Array(0) : await exactly(this.#source, length);
      header.push(bytes);
      return bytes;
    };
    const descriptor = (await next(1))[0]!;
    const singleSegment = (descriptor & 0x20) !== 0;
    const sizeFlag = descriptor >> 6;
    const sizeBytes = sizeFlag === 0 ? (singleSegment ? 1 : 0) : 1 << sizeFlag;
    let window = 0;
    if (!singleSegment) {
      const byte = (await next(1))[0]!;
      const base = 2 ** (10 + (byte >> 3));
      window = base + base / 8 * (byte & 7);
    }
    await next([0, 1, 2, 4][descriptor & 3]!);
    const size = littleEndian(await next(sizeBytes)) + (sizeBytes === 2 ? 256 : 0);
    if (singleSegment) window = size;
    if (window > ZSTD_WINDOW_BYTES_MAX) {
      throw new PullFailure(
        `one of its layers needs ${window} bytes of memory to be unpacked, more than ` +
          `${ZSTD_WINDOW_BYTES_MAX}; compress it with zstd -19 or less, and without --long`,
      );
    }
    for (const bytes of header) if (bytes.length > 0) await this.#take(bytes);
    return descriptor;
  }

  async #readBlock(): Promise<boolean> {
    await this.#turns.next();
    const header = littleEndian(await this.#copy(3));
    const type = (header >> 1) & 3;
    if (type === BLOCK_RESERVED) throw broken("a block is of a reserved kind");
    let left = type === BLOCK_RLE ? 1 : header >> 3;
    while (left > 0) {
      const piece = await this.#source.some(left);
      if (piece === undefined) throw broken("it is cut off");
      left -= piece.length;
      await this.#take(piece);
    }
    return (header & 1) !== 0;
  }

  async #copy(length: number): Promise<Uint8Array> {
    if (length === 0) return new Uint8Array(0);
    const bytes = await exactly(this.#source, length);
    await this.#take(bytes);
    return bytes;
  }
}

async function exactly(source: ByteSource, length: number): Promise<Uint8Array> {
  const bytes = await source.exactly(length);
  if (bytes === undefined) throw broken("it is cut off");
  return bytes;
}

/** Up to 8 bytes, lowest first; beyond 2^53 only the magnitude is right. */
function littleEndian(bytes: Uint8Array): number {
  return bytes.reduceRight((value, byte) => value * 256 + byte, 0);
}

function broken(state: string): PullFailure {
  return new PullFailure(`one of its layers is no sound zstd stream: ${state}; build it again`);
}
