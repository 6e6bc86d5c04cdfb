import { join } from "node:path";

/** What a folder takes of its disk. */
export interface FolderUsage {
  /** Of blocks that are in use, as `du` counts them: holes take nothing, a file of two names counts once. */
  readonly bytes: number;
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
 * not there has no bytes.
 */
export async function folderUsage(
  path: string,
  { signal, entriesMax = USAGE_ENTRIES_MAX }: {
    readonly signal: AbortSignal;
    readonly entriesMax?: number;
  },
): Promise<FolderUsage> {
  const counting = new Counting(entriesMax);
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
  whole = true;
  #left: number;
  /** Of files with several names. */
  readonly #seen = new Set<string>();

  constructor(entriesMax: number) {
    this.#left = entriesMax;
  }

  /** Counts what is at the path, and says whether it is a folder. */
  async add(path: string): Promise<boolean> {
    if (this.#left-- <= 0) {
      this.whole = false;
      return false;
    }
    try {
      const { isDirectory, blocks, size, nlink, dev, ino } = await Deno.lstat(path);
      if (!isDirectory && (nlink ?? 1) > 1) {
        const identity = `${dev} ${ino}`;
        if (this.#seen.has(identity)) return false;
        this.#seen.add(identity);
      }
      this.bytes += blocks === null ? size : blocks * BLOCK_BYTES;
      return isDirectory;
    } catch (error) {
      this.miss(error);
      return false;
    }
  }

  /** What went away meanwhile takes nothing; what cannot be looked at is not counted. */
  miss(error: unknown): void {
    if (!(error instanceof Deno.errors.NotFound)) this.whole = false;
  }
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
