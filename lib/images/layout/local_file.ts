/**
 * A file of this machine as an image: `file:./app.wasm`, and Krustlet's `fs//srv/app.wasm`.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { KubeletError, messageOf } from "../../errors.ts";
import { PullFailure } from "../oci/failure.ts";
import { DISK_BYTES } from "../limits.ts";
import type { Blob, BlobStore } from "../store/store.ts";
import { describeHead, WASM_HEAD_BYTES, wasmKind } from "./wasm_kind.ts";

/**
 * Whether files of this machine may be images. A file is read with the agent's own rights, so this is
 * for machines where whoever makes pods may read what the agent may.
 *
 * `baseDir` is where relative paths begin (it confines nothing); with `allowed`, that is the current
 * directory.
 */
export type LocalModules = "refused" | "allowed" | { readonly baseDir: string };

/**
 * The path that an image reference names; undefined if the image is in a registry.
 *
 * Throws a `KubeletError` with code `image_name` for a `file:` image that names no path.
 */
export function localPath(image: string): string | undefined {
  // Krustlet's form is a reference with the registry `fs`, so a tag may follow; it says nothing.
  const krustlet = /^fs\/((?:\/|\.\/).+?)(?::[\w][\w.-]*)?$/.exec(image);
  if (krustlet !== null) return krustlet[1]!;
  if (!/^file:/i.test(image)) return undefined;
  const path = image.slice("file:".length);
  if (!path.startsWith("//")) return path === "" ? refuseName(image, "it names no path") : path;
  try {
    return fileURLToPath(image);
  } catch (error) {
    return refuseName(image, `${messageOf(error)}; write file:///absolute/path or file:./path`);
  }
}

/**
 * Copies a local module into the store, so that a later change of the file harms nobody.
 *
 * Throws a `PullFailure` for what is no module, or has more than `bytesMax` bytes.
 */
export async function copyLocalFile(
  path: string,
  { store, bytesMax, signal }: {
    readonly store: BlobStore;
    readonly bytesMax: number;
    readonly signal: AbortSignal;
  },
): Promise<Blob> {
  using file = await openRegular(path);
  return await store.add({ bytesMax, from: `"${path}"` }, async (sink) => {
    const buffer = new Uint8Array(DISK_BYTES);
    const read = async (): Promise<Uint8Array> => {
      signal.throwIfAborted();
      return buffer.subarray(0, await file.read(buffer) ?? 0);
    };
    let bytes = await read();
    const head = bytes.slice(0, WASM_HEAD_BYTES);
    if (wasmKind(head) === undefined) {
      throw new PullFailure(`"${path}" is not a WebAssembly module: ${describeHead(head)}`);
    }
    for (; bytes.length > 0; bytes = await read()) await sink.write(bytes);
  });
}

/** Opens a file for reading. Throws a `PullFailure` for what is none: opening a pipe would wait. */
export async function openRegular(path: string): Promise<Deno.FsFile> {
  let state: string;
  try {
    const { isFile } = await Deno.stat(path);
    if (isFile) return await Deno.open(path);
    state = "is not a regular file";
  } catch (error) {
    const missing = error instanceof Deno.errors.NotFound;
    state = missing ? "does not exist" : `cannot be read (${messageOf(error)})`;
  }
  throw new PullFailure(`"${path}" ${state}`);
}

function refuseName(image: string, state: string): never {
  throw new KubeletError("image_name", `Cannot use image name "${image}": ${state}`);
}
