/**
 * Whether a layer unpacks to what its image's config says, without unpacking it to disk.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { DISK_BYTES } from "../limits.ts";
import { PullFailure } from "../oci/failure.ts";
import { decompress } from "./decompress.ts";
import { Turns } from "./turns.ts";

/** Throws a `PullFailure` unless the layer of `size` bytes at `path` unpacks to content of this digest. */
export async function checkDiffId(
  path: string,
  { size, diffId, signal }: {
    readonly size: number;
    readonly diffId: string;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const algorithm = diffId.split(":")[0]!;
  const hash = createHash(algorithm);
  const turns = new Turns(signal);
  for await (const piece of decompress(bytesOf(path), { size })) {
    hash.update(piece);
    await turns.next();
  }
  const found = `${algorithm}:${hash.digest("hex")}`;
  if (found !== diffId) throw diffIdMismatch(found, diffId);
}

/** The failure of a layer that is not what its config says. */
export function diffIdMismatch(found: string, diffId: string): PullFailure {
  return new PullFailure(
    `digest mismatch: a layer unpacks to content with digest ${found}, and its config names ` +
      `${diffId}; build it again`,
  );
}

async function* bytesOf(path: string): AsyncGenerator<Uint8Array> {
  using file = await Deno.open(path);
  const buffer = new Uint8Array(DISK_BYTES);
  for (let n = await file.read(buffer); n !== null; n = await file.read(buffer)) {
    yield buffer.subarray(0, n);
  }
}
