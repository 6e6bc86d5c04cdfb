/**
 * Image layouts of this machine, for the commands.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { ImageLayout } from "../layout/image_layout.ts";
import type { LayoutFile } from "../layout/layout_files.ts";
import { type LayoutPlace, layoutPlace, openLayout } from "../layout/layout_place.ts";
import type { Descriptor } from "../layout/manifest.ts";
import { DISK_BYTES } from "../limits.ts";
import { PullFailure } from "../oci/failure.ts";
import type { InspectSource } from "./inspection.ts";
import { surveyWasm, type WasmFile } from "./wasm_survey.ts";

/** An image layout if it is one; at a command line a path need not begin as one if it is there. */
export async function placeOf(image: string): Promise<LayoutPlace | undefined> {
  const place = layoutPlace(image);
  if (place !== undefined) return place;
  const near = layoutPlace(image.replace(/^(oci|oci-archive):/i, "$&./"));
  const info = near && await Deno.stat(near.path).catch(() => undefined);
  return info === undefined ? undefined : near;
}

/**
 * A layout to be looked at. A node's image policy is for registries, and has no say.
 *
 * Throws a `PullFailure` if it cannot be opened.
 */
export async function layoutSource(
  image: string,
  place: LayoutPlace,
  signal: AbortSignal,
): Promise<InspectSource> {
  const layout = new ImageLayout(await openLayout(place, signal));
  return {
    image,
    find: () => layout.find(place.name),
    manifest: (digest) => layout.manifest(digest),
    smallBlob: (digest) => layout.smallBlob(digest),
    survey: async (module) => {
      using file = await layout.open(module.digest);
      await check(file, module, signal);
      return await surveyWasm(wasmIn(file));
    },
    refused: () => Promise.resolve(undefined),
  };
}

/** Throws a `PullFailure` for content that is not what its descriptor says. */
async function check(file: LayoutFile, expected: Descriptor, signal: AbortSignal): Promise<void> {
  const { digest, size } = expected;
  if (file.size !== size) {
    throw new PullFailure(`${file.shown} has ${file.size} bytes, and its manifest says ${size}`);
  }
  const [algorithm] = digest.split(":");
  const hash = createHash(algorithm!);
  const buffer = new Uint8Array(DISK_BYTES);
  for (let at = 0, n = 1; n > 0; at += n) {
    signal.throwIfAborted();
    n = await file.read(at, buffer);
    hash.update(buffer.subarray(0, n));
  }
  const found = `${algorithm}:${hash.digest("hex")}`;
  if (found !== digest) throw new PullFailure(`digest mismatch: ${file.shown} has digest ${found}`);
}

function wasmIn(file: LayoutFile): WasmFile {
  return {
    size: file.size,
    read: async (at, length) => {
      const bytes = new Uint8Array(Math.min(length, Math.max(0, file.size - at)));
      return bytes.subarray(0, await file.read(at, bytes));
    },
  };
}
