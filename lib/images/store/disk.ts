/**
 * Small deeds with the store's files, and what the system's refusals mean.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { namesIn, removeTree } from "../../files.ts";
import { clean, PullFailure } from "../oci/failure.ts";

const log = getLogger(["krustlet", "images"]);

/**
 * Puts a new file in the place of an old one: whole or not at all, also after a power failure. It is
 * written as `<path>.new` first, so two writers must not come at once.
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  const folder = dirname(path);
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  const draft = `${path}.new`;
  try {
    {
      using file = await Deno.open(draft, {
        create: true,
        truncate: true,
        write: true,
        mode: 0o600,
      });
      const bytes = new TextEncoder().encode(text);
      for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
      await file.sync();
    }
    await Deno.rename(draft, path).catch(async (error) => {
      if (!(error instanceof Deno.errors.IsADirectory)) throw error;
      await removeTree(path);
      await Deno.rename(draft, path);
    });
    await syncFolder(folder);
  } catch (error) {
    // The failure that led here is what the caller must hear of.
    await Deno.remove(draft).catch(() => {});
    throw error;
  }
}

/** Puts a folder's names on disk. Windows has no such thing, and keeps them by itself. */
async function syncFolder(path: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  using folder = await Deno.open(path);
  await folder.sync();
}

/** Puts what the operating system refuses into a person's words; other errors stay as they are. */
export function diskFailure(error: unknown, dir: string): unknown {
  const code = codeOf(error);
  if (!(error instanceof Error) || code === undefined) return error;
  const noRight =
    `this process may not read and write all of "${dir}" (${clean(error.message)}); ` +
    "give the folder, and what is in it, to the user of this process";
  const states: Readonly<Record<string, string>> = {
    ENOSPC: `no space is left on the disk of "${dir}"; free some or move it`,
    EDQUOT: `the disk quota for "${dir}" is used up; free some or raise it`,
    EROFS: `the disk of "${dir}" is read-only`,
    EACCES: noRight,
    EPERM: noRight,
  };
  return new PullFailure(states[code] ?? `"${dir}" cannot be used: ${clean(error.message)}`, {
    cause: error,
  });
}

/** What was to be written when the disk refused. */
export interface Need {
  /** The store's folder. */
  readonly dir: string;
  /** Bytes of all that was to be written; undefined if nobody knows. */
  readonly bytes: number | undefined;
  /** True if it was still more. @default {false} */
  readonly more?: boolean;
}

/**
 * The same as {@linkcode diskFailure}; of a full disk it says how much is missing. To be called when
 * what was written so far is gone again.
 */
export async function spaceFailure(error: unknown, { dir, bytes, more }: Need): Promise<unknown> {
  const failure = diskFailure(error, dir);
  if (codeOf(error) !== "ENOSPC") return failure;
  const disk = await statfs(dir).catch(() => undefined);
  if (disk === undefined) return failure;
  const free = disk.bavail * disk.bsize;
  const state = describeSpace({ free, files: disk.ffree }, { dir, bytes, more: more ?? false });
  return new PullFailure(state, { cause: error });
}

/** Says what a disk has and what it would need. Touches nothing. */
export function describeSpace(
  { free, files }: { readonly free: number; readonly files: number },
  { dir, bytes, more }: Required<Need>,
): string {
  const full = `no space is left on the disk of "${dir}"`;
  const other = "or choose a folder on another disk with --data-dir";
  if (files === 0 && free > 0) {
    return `${full} for another file, though ${free} bytes are free; remove some files, ${other}`;
  }
  if (bytes === undefined) return `${full}: ${free} bytes are free; free some more, ${other}`;
  const need = `${full}: ${more ? "more than " : ""}${bytes} bytes are needed and ${free} are free`;
  return bytes > free
    ? `${need}; free ${more ? "more than " : ""}${bytes - free} bytes, ${other}`
    : `${need} by now; free some more, ${other}`;
}

/** True for a failure that came of a full disk, or of a quota that is used up. */
export function isFullDisk(error: unknown): boolean {
  const code = error instanceof PullFailure ? codeOf(error.cause) : codeOf(error);
  return code === "ENOSPC" || code === "EDQUOT";
}

/**
 * True for what systems say of a file that cannot be read any more, whoever asks: it is of another
 * kind, its rights are wrong, or the disk under it is bad. What only says that the process is short of
 * something is no damage.
 */
export function isDamage(error: unknown): boolean {
  const code = codeOf(error);
  return code !== undefined && DAMAGE.has(code);
}

const DAMAGE: ReadonlySet<string> = new Set(
  ["EACCES", "EPERM", "EISDIR", "ENOTDIR", "ELOOP", "EIO", "EBADMSG", "EUCLEAN"],
);

/** Makes way for a folder of the store's own: what bears its name and is none is removed. */
export async function makeWay(path: string): Promise<void> {
  const info = await Deno.stat(path).catch(ignoreNotFound);
  if (info === undefined || info.isDirectory) return;
  log.warn('Removed "{path}" of the image store: it was a file in the place of a folder', { path });
  await Deno.remove(path).catch(ignoreNotFound);
}

/** Takes away what is not what it once was, and says so. */
export async function removeDamaged(path: string, damage: string): Promise<void> {
  log.warn('Removing "{path}" of the image store, to be made or pulled again: {damage}', {
    path,
    damage: clean(damage),
  });
  await removeTree(path);
}

/** Bytes of all files in a folder. */
export async function bytesIn(path: string): Promise<number> {
  let bytes = 0;
  const folders = [path];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const name of await namesIn(folder)) {
      const info = await Deno.lstat(join(folder, name)).catch(ignoreNotFound);
      if (info?.isDirectory) folders.push(join(folder, name));
      else bytes += info?.size ?? 0;
    }
  }
  return bytes;
}

/** For what may be gone already. */
export function ignoreNotFound(error: unknown): undefined {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
  return undefined;
}

/** The system's name for what went wrong, as `ENOSPC`; undefined for what is no error of the system's. */
function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && /^E[A-Z]/.test(code) ? code : undefined;
}
