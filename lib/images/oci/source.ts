/**
 * Content that is to be pushed.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { READ_BYTES } from "./limits.ts";
import { digestOf } from "./reading.ts";

/** A blob to push: its name, and its bytes as often as they are needed. */
export interface BlobSource {
  /** Of all the bytes. */
  readonly digest: string;
  /** In bytes. */
  readonly size: number;
  /** The bytes from `from` on; a piece is good only until the next one is asked for. */
  open(from: number): AsyncIterable<Uint8Array>;
}

/** Bytes in memory as a blob. */
export function bytesSource(bytes: Uint8Array): BlobSource {
  return {
    digest: digestOf(bytes),
    size: bytes.length,
    async *open(from): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(bytes.subarray(from));
    },
  };
}

/** A file as a blob; it is read once for its digest. Rejects with Deno's error if it cannot be read. */
export async function fileSource(
  path: string,
  { signal }: { readonly signal: AbortSignal },
): Promise<BlobSource> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const piece of readFile(path, 0)) {
    signal.throwIfAborted();
    hash.update(piece);
    size += piece.length;
  }
  const digest = `sha256:${hash.digest("hex")}`;
  return { digest, size, open: (from) => readFile(path, from) };
}

async function* readFile(path: string, from: number): AsyncGenerator<Uint8Array> {
  using file = await Deno.open(path);
  await file.seek(from, Deno.SeekMode.Start);
  const buffer = new Uint8Array(READ_BYTES);
  for (let n = await file.read(buffer); n !== null; n = await file.read(buffer)) {
    yield buffer.subarray(0, n);
  }
}
