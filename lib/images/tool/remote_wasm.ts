/**
 * A module in a registry that is looked into and not fetched whole.
 *
 * @module
 */
import type { OciClient } from "../oci/client.ts";
import { PullFailure } from "../oci/failure.ts";
import { MANIFEST_BYTES_MAX } from "../oci/limits.ts";
import type { Access } from "../oci/tokens.ts";
import { WINDOW_BYTES, WINDOWS_MAX } from "./limits.ts";
import { wasmBytes, type WasmFile } from "./wasm_survey.ts";

/** A registry does not let us look into a blob, or not cheaply. It says nothing against the blob. */
export class OutOfSight extends PullFailure {}

/**
 * A blob as a file. A small one is fetched whole and checked; of a larger one only what is read is
 * fetched, and that cannot be checked.
 */
export async function remoteWasm(
  client: OciClient,
  access: Access,
  { digest, size, signal }: {
    readonly digest: string;
    readonly size: number;
    readonly signal: AbortSignal;
  },
): Promise<WasmFile> {
  if (size <= MANIFEST_BYTES_MAX) {
    return wasmBytes(await client.smallBlob(access, digest, { signal }));
  }
  let window = { at: 0, bytes: new Uint8Array() };
  let windows = 0;
  const read = async (at: number, length: number): Promise<Uint8Array> => {
    const end = Math.min(at + length, size);
    if (at < window.at || end > window.at + window.bytes.length) {
      if (++windows > WINDOWS_MAX) throw new OutOfSight("its names lie in too many places");
      const to = Math.min(size, Math.max(end, at + WINDOW_BYTES)) - 1;
      const reply = await client.blob(access, digest, { range: { from: at, to }, signal });
      if (reply.status !== 206) {
        await reply.discard();
        throw new OutOfSight("its registry sends blobs only whole");
      }
      window = { at, bytes: await reply.bytes(to - at + 1) };
    }
    return window.bytes.subarray(at - window.at, end - window.at);
  };
  return { size, read };
}
