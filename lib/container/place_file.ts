import type { FileHandle } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { KubeletError } from "../errors.ts";
import { hold } from "../hold.ts";
import type { ContainerMount } from "../provider.ts";

/** Bytes of a file that is mounted alone: configuration, which each run gets a copy of. */
export const MOUNTED_FILE_BYTES_MAX = 64 * 1024 * 1024;

/** Bytes copied at once. */
const CHUNK_BYTES = 256 * 1024;

/** How {@linkcode placeFile} copies. */
export interface PlaceFileOptions {
  /** The container's root, which no guest can change yet. */
  readonly rootPath: string;
  readonly signal: AbortSignal;
  /** @default {@linkcode MOUNTED_FILE_BYTES_MAX} */
  readonly bytesMax?: number;
}

/**
 * Copies a single regular file into a container's root, with its permissions. A copy serves, since a
 * file that is mounted by `subPath` never changes.
 *
 * Throws a {@linkcode KubeletError} with code `container_config` if the file is too large, is none, or is
 * reached through a link: a guest may have put that there since the path was found.
 */
export async function placeFile(
  { hostPath, guestPath }: ContainerMount,
  { rootPath, signal, bytesMax = MOUNTED_FILE_BYTES_MAX }: PlaceFileOptions,
): Promise<void> {
  const to = join(rootPath, guestPath);
  const refused = `Cannot mount file "${hostPath}" at "${guestPath}"`;
  const refuse = (problem: string): never => {
    throw new KubeletError("container_config", `${refused}: ${problem}`);
  };
  if (!to.startsWith(`${join(rootPath)}${sep}`)) refuse("that is not below the root");
  try {
    await using held = await hold(hostPath);
    if (held.path !== hostPath) refuse("a link is on the way to it; mount what it leads to");
    if (held.kind !== "file") refuse("it is no regular file");
    await Deno.mkdir(dirname(to), { recursive: true });
    const from = await held.openFile();
    try {
      using into = await createFile(to);
      const whole = await copy(from, into, { bytesMax, signal });
      if (!whole) refuse(`it has more than ${bytesMax} bytes; mount the folder that it is in`);
    } finally {
      await from.close();
    }
    if (Deno.build.os !== "windows") await Deno.chmod(to, held.mode);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof KubeletError) throw error;
    throw new KubeletError("container_config", refused, { cause: error });
  }
}

/** Makes a new file in the place of one that the image may have there. */
async function createFile(path: string): Promise<Deno.FsFile> {
  const options = { write: true, createNew: true, mode: 0o600 };
  try {
    return await Deno.open(path, options);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    if ((await Deno.lstat(path)).isDirectory) throw error;
    await Deno.remove(path);
    return await Deno.open(path, options);
  }
}

/** Copies to the end; false if there was more than `bytesMax`, of which no more is copied. */
async function copy(
  from: FileHandle,
  into: Deno.FsFile,
  { bytesMax, signal }: { readonly bytesMax: number; readonly signal: AbortSignal },
): Promise<boolean> {
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (let bytes = 0;;) {
    signal.throwIfAborted();
    const { bytesRead } = await from.read(chunk, 0, CHUNK_BYTES, null);
    if (bytesRead === 0) return true;
    bytes += bytesRead;
    if (bytes > bytesMax) return false;
    for (let at = 0; at < bytesRead;) at += await into.write(chunk.subarray(at, bytesRead));
  }
}
