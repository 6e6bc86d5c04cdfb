import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { PullFailure } from "../oci/failure.ts";
import { concat, inPieces } from "./_test_tar.ts";
import { decompress, unpackedBytesMax } from "./decompress.ts";
import { RATIO_FREE_BYTES, TREE_BYTES_MAX } from "./limits.ts";

const RAW = new TextEncoder().encode("hello, hello, hello; ".repeat(500));
const GZIP = new Uint8Array(gzipSync(RAW));
const ZSTD = new Uint8Array(zstdCompressSync(RAW));
/** A frame that holds something else than data: 4 bytes of it. */
const SKIPPABLE = Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4);

async function unpack(bytes: Uint8Array, pieceSize?: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of decompress(inPieces(bytes, pieceSize), { size: bytes.length })) {
    pieces.push(piece.slice());
  }
  return concat(pieces);
}

const GOOD: Readonly<Record<string, readonly [bytes: Uint8Array, times: number]>> = {
  "plain bytes": [RAW, 1],
  "gzip": [GZIP, 1],
  "gzip of two members": [concat([GZIP, GZIP]), 2],
  "zstd": [ZSTD, 1],
  "zstd of two frames": [concat([ZSTD, ZSTD]), 2],
  "zstd with frames of other things": [concat([SKIPPABLE, ZSTD, SKIPPABLE, ZSTD, SKIPPABLE]), 2],
  "nothing": [new Uint8Array(0), 0],
};

for (const [name, [bytes, times]] of Object.entries(GOOD)) {
  Deno.test(`decompress() unpacks ${name}, in pieces of any size`, async () => {
    const expected = concat(Array.from({ length: times }, () => RAW));
    for (const size of [1, 3, 100_000]) assert.deepEqual(await unpack(bytes, size), expected);
  });
}

const windowOf32Mib = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, (25 - 10) << 3 | 1, 1, 0, 0);
const BAD: Readonly<Record<string, readonly [bytes: Uint8Array, message: RegExp]>> = {
  "gzip that is cut off": [GZIP.subarray(0, -5), /cannot be unpacked: unexpected end/],
  "gzip that is damaged": [GZIP.map((b, at) => at === 20 ? b ^ 0xff : b), /cannot be unpacked/],
  "zstd that is cut off": [ZSTD.subarray(0, -2), /no sound zstd stream: it is cut off/],
  "zstd with something behind it": [
    concat([ZSTD, RAW.subarray(0, 9)]),
    /does not go on with a frame/,
  ],
  "zstd that needs much memory": [
    windowOf32Mib,
    /needs 37748736 bytes of memory.*zstd -19 or less/,
  ],
  "zstd that needs more memory than the runtime gives": [
    Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, (31 - 10) << 3, 1, 0, 0),
    /needs 2147483648 bytes of memory.*zstd -19 or less/,
  ],
  "zstd that is damaged": [
    ZSTD.map((byte, at) => at > 12 ? byte ^ 0x55 : byte),
    /cannot be unpacked|no sound zstd stream/,
  ],
  "zstd whose blocks are damaged": [
    // A frame without a size, and one compressed block of five bytes that mean nothing.
    Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0, 5 << 3 | 2 << 1 | 1, 0, 0, 255, 255, 255, 255, 255),
    /cannot be unpacked: .*; build it again/,
  ],
};

for (const [name, [bytes, message]] of Object.entries(BAD)) {
  Deno.test(`decompress() refuses ${name}`, async () => {
    await assert.rejects(
      unpack(bytes),
      (error) => error instanceof PullFailure && message.test(error.message),
    );
  });
}

for (const [name, compress] of [["gzip", gzipSync], ["zstd", zstdCompressSync]] as const) {
  Deno.test(`decompress() stops a bomb of ${name} before it has grown`, async () => {
    const bomb = new Uint8Array(compress(Buffer.alloc(RATIO_FREE_BYTES * 2)));
    let total = 0;
    let largest = 0;
    const reading = async (): Promise<void> => {
      for await (const piece of decompress(inPieces(bomb, 65_536), { size: bomb.length })) {
        total += piece.length;
        largest = Math.max(largest, piece.length);
      }
    };
    await assert.rejects(reading(), /looks like a decompression bomb/);
    assert.ok(total <= unpackedBytesMax(bomb.length), `${total}`);
    assert.ok(largest <= 1 << 20, `${largest}`);
  });
}

Deno.test("decompress() reads no more of its source than it is asked for", async () => {
  let read = 0;
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;; read++) {
      await Promise.resolve();
      yield GZIP;
    }
  }
  for await (const piece of decompress(endless(), { size: 1 << 30 })) {
    assert.ok(piece.length > 0);
    break;
  }
  assert.ok(read < 200, `${read}`);
});

Deno.test("decompress() says what its source says", async () => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield GZIP.subarray(0, 30);
    throw await Promise.resolve(new Deno.errors.NotFound("gone"));
  }
  const reading = async (): Promise<void> => {
    for await (const _ of decompress(broken(), { size: 100 }));
  };
  await assert.rejects(reading(), Deno.errors.NotFound);
});

Deno.test("unpackedBytesMax() grows with the layer, up to what an image may hold", () => {
  assert.equal(unpackedBytesMax(0), RATIO_FREE_BYTES);
  assert.ok(unpackedBytesMax(1 << 30) < 2 * TREE_BYTES_MAX);
});
