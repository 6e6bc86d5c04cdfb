/**
 * Measures what is in a folder.
 *
 * @module
 */

/** What was found. */
export interface FolderUsage {
  bytes: number;
  inodes: number;
}

/** Things that are counted in one folder with all below it; a guest that makes more is not measured further. */
const ENTRIES_MAX = 1_000_000;
/** Bytes in one of the blocks that the system counts in (POSIX, `st_blocks`). */
const BLOCK_BYTES = 512;

/**
 * What a folder and everything below it takes of the disk. Links are counted and not followed; a file of
 * several names counts once. What goes away meanwhile does not count, and neither does a folder that is
 * not there.
 */
export async function folderUsage(
  path: string,
  { afterMs = -Infinity, signal }: {
    /** Counts only what has changed later than this, in ms. @default {everything} */
    readonly afterMs?: number;
    readonly signal: AbortSignal;
  },
): Promise<FolderUsage> {
  const total: FolderUsage = { bytes: 0, inodes: 0 };
  const seen = new Set<string>();
  const folders = [path];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    try {
      for await (const { name, isDirectory } of Deno.readDir(folder)) {
        signal.throwIfAborted();
        const entry = `${folder}/${name}`;
        if (isDirectory) folders.push(entry);
        const info = await Deno.lstat(entry).catch(() => undefined);
        if (info === undefined || !hasChanged(info, afterMs) || isKnown(info, seen)) continue;
        total.inodes++;
        total.bytes += info.blocks === null ? info.size : info.blocks * BLOCK_BYTES;
        if (total.inodes >= ENTRIES_MAX) return total;
      }
    } catch (error) {
      // What a guest has made unreadable, or what is gone by now.
      if (signal.aborted) throw error;
    }
  }
  return total;
}

// A guest can set a file's mtime as it likes, but not its ctime; of which the runtime tells the second alone.
function hasChanged({ ctime, mtime }: Deno.FileInfo, afterMs: number): boolean {
  return [ctime, mtime].some((time) => (time?.getTime() ?? 0) > afterMs);
}

function isKnown({ nlink, dev, ino, isDirectory }: Deno.FileInfo, seen: Set<string>): boolean {
  if (isDirectory || nlink === null || nlink < 2) return false;
  const key = `${dev}:${ino}`;
  if (seen.has(key)) return true;
  seen.add(key);
  return false;
}
