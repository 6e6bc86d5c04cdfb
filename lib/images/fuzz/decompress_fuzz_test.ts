/**
 * Compressed layers: whole ones give what was packed, in pieces of any size; cut off, never; damaged
 * ones an end.
 */
import assert from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { decompress, unpackedBytesMax } from "../layout/decompress.ts";
import { RATIO_FREE_BYTES } from "../layout/limits.ts";
import { PullFailure } from "../oci/failure.ts";
import { assertTellable } from "./messages.ts";
import { mutateBytes } from "../../fuzz/mutate.ts";
import { piecesOf } from "./pieces.ts";
import type { Random } from "../../fuzz/random.ts";
import { assertAllSaid, runCases } from "../../fuzz/run_cases.ts";
import { casesOf } from "../../fuzz/settings.ts";

/** A decompressor costs more than all else that is tried here. */
const CASES = casesOf(200, 20);
/** Bombs cost more again. */
const CASES_PER_BOMB = 2_500;

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const PACKED = [encode(""), encode("a"), encode("hello, ".repeat(300)), new Uint8Array(100_000)];
const PACKERS: readonly ((bytes: Uint8Array) => Uint8Array)[] = [
  (bytes) => gzipSync(bytes),
  (bytes) => zstdCompressSync(bytes),
];
/** One frame that holds no data. */
const SKIPPABLE = Uint8Array.of(0x5f, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3);
const BOMBS = PACKERS.map((pack) => pack(new Uint8Array(RATIO_FREE_BYTES * 2)));

interface Layer {
  readonly bytes: Uint8Array;
  /** Bytes of the last thing in it, without which nobody can see that it is cut off. */
  readonly lastBytes: number;
  /** What was packed. */
  readonly raw: Uint8Array;
}

function makeLayer(random: Random): Layer {
  const pack = random.of(PACKERS);
  const parts = random.list(1, 3, () => random.of(PACKED));
  const packed = parts.map((part) => pack(part));
  if (pack === PACKERS[1] && random.once(3)) packed.splice(random.below(2), 0, SKIPPABLE);
  return { bytes: concat(packed), lastBytes: packed.at(-1)!.length, raw: concat(parts) };
}

async function tryLayer(random: Random): Promise<string> {
  if (random.once(CASES_PER_BOMB)) return await tryBomb(random.of(BOMBS));
  const { bytes, lastBytes, raw } = makeLayer(random);
  const kind = random.of(["whole", "cut off", "damaged"] as const);
  if (kind === "damaged") mutateBytes(random, bytes);
  const end = bytes.length - (kind === "cut off" ? 1 + random.below(lastBytes - 4) : 0);
  const pieceBytes = random.of([1, 3, 1_000, 1 << 20]);
  try {
    const found = await unpack(bytes.subarray(0, end), pieceBytes);
    assert.notEqual(kind, "cut off");
    if (kind === "whole") assert.deepEqual(found, raw);
    return kind;
  } catch (error) {
    if (!(error instanceof PullFailure) || kind === "whole") throw error;
    assertTellable(error.message);
    return `${kind}: refused`;
  }
}

async function unpack(bytes: Uint8Array, pieceBytes: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  const packed = piecesOf(bytes, Math.max(pieceBytes, bytes.length >> 8));
  for await (const piece of decompress(packed, { size: bytes.length })) pieces.push(piece.slice());
  return concat(pieces);
}

async function tryBomb(bytes: Uint8Array): Promise<string> {
  let length = 0;
  const unpacking = async (): Promise<void> => {
    const packed = piecesOf(bytes, 65_536);
    for await (const piece of decompress(packed, { size: bytes.length })) length += piece.length;
  };
  await assert.rejects(unpacking(), /looks like a decompression bomb/);
  assert.ok(length <= unpackedBytesMax(bytes.length), `${length}`);
  return "bomb";
}

function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

Deno.test(`compressed layers are unpacked whole or not at all, ${CASES} times`, async () => {
  const tally = await runCases("compressed layers", CASES, tryLayer);
  assertAllSaid(tally, ["whole", "cut off: refused", "damaged: refused"]);
});
