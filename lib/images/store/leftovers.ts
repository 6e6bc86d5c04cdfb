/**
 * What earlier runs left unfinished in the store's folder, and its removal.
 *
 * @module
 */
import { join } from "node:path";
import { namesIn, removeTree } from "../../files.ts";
import { ignoreNotFound, makeWay } from "./disk.ts";

/** In front of the name of a tree that is not whole yet, or not any more. */
export const BESIDE = ".making-";

/** Folders of the store, outer before inner. */
const FOLDERS = ["blobs", "blobs/sha256", "blobs/sha512", "partial", "trees"];

/**
 * Removes downloads and trees that are not whole and were begun before `beforeMs`, and whatever else
 * stands in the place of the store's folders. Nobody may be at work at these.
 */
export async function clearLeftovers(dir: string, beforeMs: number): Promise<void> {
  for (const folder of FOLDERS) await makeWay(join(dir, folder));
  for (const folder of ["partial", "trees"]) {
    for (const name of await namesIn(join(dir, folder))) {
      if (folder === "trees" && !name.startsWith(BESIDE)) continue;
      const path = join(dir, folder, name);
      const info = await Deno.lstat(path).catch(ignoreNotFound);
      if ((info?.mtime?.getTime() ?? Infinity) < beforeMs) await removeTree(path);
    }
  }
}
