/**
 * Where the frames of a zstd stream begin and end (RFC 8878 §3.1).
 *
 * The runtime's decompressor reads one frame and drops what follows in the same piece, but many
 * builders write layers of several frames. So it is given one frame at a time.
 *
 * @module
 */
import { PullFailure } from "../oci/failure.ts";
import { ZSTD_WINDOW_BYTES_MAX } from "./limits.ts";
import type { ByteSource } from "./tar/byte_source.ts";

const FRAME_MAGIC = 0xfd2fb528;
/** 16 magic numbers, of frames that hold something else than data. */
const SKIPPABLE_MAGIC = 0x184d2a50;
const BLOCK_RLE = 1;
const BLOCK_RESERVED = 3;

/**
 * The bytes of the next frame with data, piece by piece, checked for its structure; false if there is
 * none. Frames that hold something else are passed over.
 *
 * Throws a `PullFailure` for what is no frame, is cut off, or asks for too much memory.
 */
export async function readZstdFrame(
  source: ByteSource,
  take: (bytes: Uint8Array) => Promise<void>,
): Promise<boolean> {
  for (;;) {
    const head = await source.exactly(4);
    if (head === undefined) return false;
    const magic = littleEndian(head);
    if (magic === FRAME_MAGIC) {
      await take(head);
      await new Frame(source, take).read();
      return true;
    }
    if ((magic & ~0xf) >>> 0 !== SKIPPABLE_MAGIC) throw broken("it does not go on with a frame");
    await source.pass(littleEndian(await exactly(source, 4)));
  }
}

/** One frame behind its magic number. */
class Frame {
  readonly #source: ByteSource;
  readonly #take: (bytes: Uint8Array) => Promise<void>;

  constructor(source: ByteSource, take: (bytes: Uint8Array) => Promise<void>) {
    this.#source = source;
    this.#take = take;
  }

  async read(): Promise<void> {
    const descriptor = (await this.#copy(1))[0]!;
    await this.#readHeader(descriptor);
    for (let isLast = false; !isLast;) isLast = await this.#readBlock();
    if ((descriptor & 0x04) !== 0) await this.#copy(4);
  }

  async #readHeader(descriptor: number): Promise<void> {
    const singleSegment = (descriptor & 0x20) !== 0;
    const sizeFlag = descriptor >> 6;
    const sizeBytes = sizeFlag === 0 ? (singleSegment ? 1 : 0) : 1 << sizeFlag;
    let window = 0;
    if (!singleSegment) {
      const byte = (await this.#copy(1))[0]!;
      const base = 2 ** (10 + (byte >> 3));
      window = base + base / 8 * (byte & 7);
    }
    await this.#copy([0, 1, 2, 4][descriptor & 3]!);
    const size = littleEndian(await this.#copy(sizeBytes)) + (sizeBytes === 2 ? 256 : 0);
    if (singleSegment) window = size;
    if (window > ZSTD_WINDOW_BYTES_MAX) {
      throw new PullFailure(
        `one of its layers needs ${window} bytes of memory to be unpacked, more than ` +
          `${ZSTD_WINDOW_BYTES_MAX}; compress it with zstd -19 or less, and without --long`,
      );
    }
  }

  async #readBlock(): Promise<boolean> {
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
  return new PullFailure(`one of its layers is no sound zstd stream: ${state}`);
}
