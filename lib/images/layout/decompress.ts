/**
 * A layer's bytes, unpacked, with an end to what a bomb can make of them.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import type { Transform } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { messageOf } from "../../errors.ts";
import { PullFailure } from "../oci/failure.ts";
import { LAYERS_BYTES_MAX, RATIO_FREE_BYTES, RATIO_MAX, UNPACK_CHUNK_BYTES } from "./limits.ts";
import { ByteSource } from "./tar/byte_source.ts";
import { ZstdFrames } from "./zstd_frames.ts";

/**
 * The unpacked bytes of a layer of `size` bytes. How it is compressed (gzip, zstd, or not at all) is seen
 * by its first bytes, as many tools name it wrongly.
 *
 * Throws a `PullFailure` for what cannot be unpacked, or grows beyond `RATIO_MAX`.
 */
export async function* decompress(
  bytes: AsyncIterable<Uint8Array>,
  { size }: { readonly size: number },
): AsyncGenerator<Uint8Array, void, undefined> {
  const max = unpackedBytesMax(size);
  let total = 0;
  for await (const piece of unpacked(bytes)) {
    total += piece.length;
    if (total > max) {
      throw new PullFailure(
        `one of its layers has ${size} bytes and more than ${max} when it is unpacked, which looks ` +
          `like a decompression bomb; leave out of the image what grows so much`,
      );
    }
    yield piece;
  }
}

/** Bytes that a layer of `size` bytes may become. */
export function unpackedBytesMax(size: number): number {
  return Math.min(size * RATIO_MAX + RATIO_FREE_BYTES, LAYERS_BYTES_MAX);
}

async function* unpacked(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = new ByteSource(bytes);
  try {
    const head = await source.peek(4);
    if (head[0] === 0x1f && head[1] === 0x8b) yield* gunzip(source);
    else if (isZstd(head)) yield* unzstd(source);
    else yield* plain(source);
  } finally {
    await source.close();
  }
}

/** A frame with data, or one to pass over: some builders begin with such a one. */
function isZstd([a = 0, b, c, d]: Uint8Array): boolean {
  return (a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd) ||
    ((a & 0xf0) === 0x50 && b === 0x2a && c === 0x4d && d === 0x18);
}

async function* plain(source: ByteSource): AsyncGenerator<Uint8Array> {
  for (
    let piece = await source.some(UNPACK_CHUNK_BYTES);
    piece !== undefined;
    piece = await source.some(UNPACK_CHUNK_BYTES)
  ) yield piece;
}

async function* gunzip(source: ByteSource): AsyncGenerator<Uint8Array> {
  yield* through(createGunzip({ chunkSize: UNPACK_CHUNK_BYTES }), async (write) => {
    for await (const piece of plain(source)) await write(piece);
  });
}

async function* unzstd(source: ByteSource): AsyncGenerator<Uint8Array> {
  const frames = new ZstdFrames(source);
  for (let more = true; more;) {
    yield* through(createZstdDecompress({ chunkSize: UNPACK_CHUNK_BYTES }), async (write) => {
      more = await frames.next(write);
    });
  }
}

/** What a transformer makes of all that `feed` writes. No more is read than is asked for. */
async function* through(
  transform: Transform,
  feed: (write: (bytes: Uint8Array) => Promise<void>) => Promise<void>,
): AsyncGenerator<Uint8Array> {
  const write = (bytes: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => {
      // A transformer that fails, or is given up, does not always answer its last write.
      const gone = (): void => reject(new Error("Cannot write: the transformer is closed"));
      if (transform.destroyed) return gone();
      transform.once("close", gone);
      // A copy: the piece is the reader's again as soon as this settles, which may be too early.
      transform.write(bytes.slice(), (error) => {
        transform.off("close", gone);
        if (error) reject(error);
        else resolve();
      });
    });
  const feeding = feed(write).then(
    () => void transform.end(),
    (error: Error) => void transform.destroy(error),
  );
  try {
    for await (const piece of transform) yield piece as Buffer;
  } catch (error) {
    if (error instanceof PullFailure) throw error;
    // What the reader of the file says (no such file, stopped) is no fault of the layer.
    if (!isDataError(error)) throw error;
    throw new PullFailure(
      `one of its layers cannot be unpacked: ${messageOf(error)}; build it again`,
      {
        cause: error,
      },
    );
  } finally {
    transform.destroy();
    await feeding;
  }
}

function isDataError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ("code" in error && /^Z_/.test(String(error.code))) || /^Zstd /.test(error.message);
}
