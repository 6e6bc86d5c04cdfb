/**
 * Measures what is in a folder.
 *
 * @module
 */
import { join } from "node:path";

/** What a folder takes of its disk. */
export interface FolderUsage {
  /** Of blocks that are in use, as `du` counts them: holes take nothing, a file of two names counts once. */
  readonly bytes: number;
  /** Files, folders and links; the folder itself is not among them. */
  readonly inodes: number;
  /** False if not all of it could be counted: it has too many entries, or lies too deep. */
  readonly whole: boolean;
}

/** Entries that are counted: with more, whoever fills the folder only wants to keep us busy. */
export const USAGE_ENTRIES_MAX = 1_000_000;

/** Entries that are looked at together. */
const BATCH = 64;
/** What `blocks` counts in, whatever the file system's own blocks are (POSIX). */
const BLOCK_BYTES = 512;

/**
 * Counts a folder that others may change meanwhile. Links are counted, never followed; a folder that is
 * not there, or is none, has no bytes.
 */
export async function folderUsage(
  path: string,
  { signal, afterMs = -Infinity, entriesMax = USAGE_ENTRIES_MAX }: {
    readonly signal: AbortSignal;
    /** Counts only what has changed later than this, in ms. @default {everything} */
    readonly afterMs?: number;
    readonly entriesMax?: number;
  },
): Promise<FolderUsage> {
  const counting = new Counting(entriesMax, afterMs);
  const folders = [path];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    signal.throwIfAborted();
    for await (const batch of batches(folder, counting)) {
      const found = await Promise.all(batch.map((name) => counting.add(join(folder!, name))));
      for (const [index, isFolder] of found.entries()) {
        if (isFolder) folders.push(join(folder, batch[index]!));
      }
      if (!counting.whole) return counting;
    }
  }
  return counting;
}

class Counting implements FolderUsage {
  bytes = 0;
  inodes = 0;
  whole = true;
  #left: number;
  readonly #afterMs: number;
  /** Of files with several names. */
  readonly #seen = new Set<string>();

  constructor(entriesMax: number, afterMs: number) {
    this.#left = entriesMax;
    this.#afterMs = afterMs;
  }

  /** Counts what is at the path, and says whether it is a folder. */
  async add(path: string): Promise<boolean> {
    const info = await Deno.lstat(path).catch((error) => this.miss(error));
    // What was there before is not the guest's work, so it takes nothing of what the guest may make.
    if (info !== undefined && !hasChanged(info, this.#afterMs)) return info.isDirectory;
    if (this.#left-- <= 0) {
      this.whole = false;
      return false;
    }
    if (info === undefined || this.#isKnown(info)) return false;
    this.inodes++;
    this.bytes += info.blocks === null ? info.size : info.blocks * BLOCK_BYTES;
    return info.isDirectory;
  }

  #isKnown({ isDirectory, nlink, dev, ino }: Deno.FileInfo): boolean {
    if (isDirectory || (nlink ?? 1) < 2) return false;
    const identity = `${dev} ${ino}`;
    if (this.#seen.has(identity)) return true;
    this.#seen.add(identity);
    return false;
  }

  /** What went away meanwhile, or is no folder any more, takes nothing; what cannot be looked at is not counted. */
  miss(error: unknown): undefined {
    const { NotFound, NotADirectory } = Deno.errors;
    if (!(error instanceof NotFound || error instanceof NotADirectory)) this.whole = false;
  }
}

// A guest can set a file's mtime as it likes, but not its ctime; of which the runtime tells the second alone.
function hasChanged({ ctime, mtime }: Deno.FileInfo, afterMs: number): boolean {
  return [ctime, mtime].some((time) => (time?.getTime() ?? 0) > afterMs);
}

/** The names in a folder, in small lots; none if it went away. */
async function* batches(folder: string, counting: Counting): AsyncGenerator<string[]> {
  let batch: string[] = [];
  try {
    for await (const { name } of Deno.readDir(folder)) {
      batch.push(name);
      if (batch.length < BATCH) continue;
      yield batch;
      batch = [];
    }
  } catch (error) {
    counting.miss(error);
  }
  yield batch;
}
