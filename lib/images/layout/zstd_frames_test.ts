import assert from "node:assert/strict";
import { PullFailure } from "../oci/failure.ts";
import { inPieces } from "./_test_tar.ts";
import { ByteSource } from "./tar/byte_source.ts";
import { ZstdFrames } from "./zstd_frames.ts";

/** A frame without a size, of so many empty blocks. */
function frameOf(blocks: number): Uint8Array {
  const frame = new Uint8Array(6 + 3 * blocks);
  frame.set([0x28, 0xb5, 0x2f, 0xfd, 0, 0]);
  frame[frame.length - 3] = 1;
  return frame;
}

function framesOf(bytes: Uint8Array, framesMax?: number): ZstdFrames {
  return new ZstdFrames(new ByteSource(inPieces(bytes, 1 << 16)), framesMax);
}

Deno.test("ZstdFrames hands small blocks on together", async () => {
  const frame = frameOf(40_000);
  const pieces: Uint8Array[] = [];
  const frames = framesOf(frame);
  const take = (bytes: Uint8Array): Promise<void> =>
    Promise.resolve(void pieces.push(bytes.slice()));
  assert.equal(await frames.next(take), true);
  assert.equal(await frames.next(take), false);
  assert.deepEqual(new Uint8Array(pieces.flatMap((piece) => [...piece])), frame);
  assert.ok(pieces.length <= 3, `${pieces.length}`);
});

Deno.test("ZstdFrames refuses a stream of too many frames, empty ones and others", async () => {
  const skippable = [0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0];
  const bytes = Uint8Array.from([...frameOf(1), ...skippable, ...frameOf(1)]);
  const readAll = async (framesMax: number): Promise<number> => {
    const frames = framesOf(bytes, framesMax);
    let count = 0;
    while (await frames.next(() => Promise.resolve())) count++;
    return count;
  };
  assert.equal(await readAll(3), 2);
  await assert.rejects(
    readAll(2),
    (error) => error instanceof PullFailure && /more than 2 frames/.test(error.message),
  );
});
