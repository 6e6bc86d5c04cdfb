/**
 * Keeps what is slow to build, named by what it was built from.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Unused entries of the user's cache go after so long: a build of Kubernetes is 130 MB. */
const UNUSED_DAYS_MAX = 21;

/** What is wanted, and how to make it. */
export interface Recipe {
  /** Begins the entry's name, for people. */
  readonly name: string;
  /** Everything that the result depends on: file contents, versions, flags. */
  readonly inputs: readonly (string | Uint8Array)[];
  /** Fills the empty folder. */
  build(folder: string): Promise<void>;
}

/**
 * Answers the folder with the result of `recipe`, building it if no cache has it.
 *
 * Looks in `$KRUSTLET_TEST_CACHE`, or else in `.cache/` of this checkout and then in the user's own
 * cache, which makes a second clone warm. Several processes may ask at once: one builds, the others
 * wait for it.
 */
export async function cached(recipe: Recipe): Promise<string> {
  const entry = `${recipe.name}-${keyOf(recipe.inputs)}`;
  for (const cache of cacheFolders()) {
    const folder = join(cache, entry);
    if (await exists(folder)) {
      const now = new Date();
      await Deno.utime(folder, now, now).catch(() => {});
      return folder;
    }
  }
  return await buildLocked(recipe, entry);
}

/** SHA-256 of all files below `folder` whose name `wanted` accepts, with their paths, in order. */
export async function hashFolder(
  folder: string,
  wanted: (name: string) => boolean,
): Promise<string> {
  const hash = createHash("sha256");
  const names: string[] = [];
  const walk = async (below: string): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(join(folder, below))) {
      if (isDirectory) await walk(join(below, name));
      else if (wanted(name)) names.push(join(below, name));
    }
  };
  await walk("");
  for (const name of names.sort()) {
    hash.update(`${name}\0`).update(await Deno.readFile(join(folder, name))).update("\0");
  }
  return hash.digest("hex");
}

/** The caches in the order of asking; the last is built into. */
function cacheFolders(): string[] {
  const chosen = Deno.env.get("KRUSTLET_TEST_CACHE");
  if (chosen) return [chosen];
  const local = fileURLToPath(new URL("../../.cache", import.meta.url));
  const home = Deno.env.get("HOME");
  const users = Deno.env.get("XDG_CACHE_HOME") || (home ? join(home, ".cache") : undefined);
  return users === undefined ? [local] : [local, join(users, "krustlet-tests")];
}

async function buildLocked(recipe: Recipe, entry: string): Promise<string> {
  const cache = await writableCache();
  const folder = join(cache, entry);
  // The lock goes with its process, however it ends.
  using lock = await Deno.open(join(cache, `${entry}.lock`), { create: true, write: true });
  await lock.lock(true);
  if (await exists(folder)) return folder;
  const unfinished = await Deno.makeTempDir({ dir: cache, prefix: `${recipe.name}.unfinished-` });
  try {
    await recipe.build(unfinished);
    await Deno.rename(unfinished, folder);
  } catch (error) {
    await Deno.remove(unfinished, { recursive: true });
    throw error;
  }
  await removeUnused(cache);
  return folder;
}

async function writableCache(): Promise<string> {
  const folders = cacheFolders().reverse();
  for (const folder of folders) {
    try {
      await Deno.mkdir(folder, { recursive: true });
      await Deno.remove(await Deno.makeTempDir({ dir: folder }));
      return folder;
    } catch {
      // The next one may be writable; the error below says which were tried.
    }
  }
  throw new Error(
    `Cannot build parts of the tests: no cache folder is writable (${folders.join(", ")}); \
set KRUSTLET_TEST_CACHE`,
  );
}

async function removeUnused(cache: string): Promise<void> {
  const oldest = Date.now() - UNUSED_DAYS_MAX * 24 * 3_600_000;
  for await (const { name } of Deno.readDir(cache)) {
    const path = join(cache, name);
    const { mtime } = await Deno.stat(path).catch(() => ({ mtime: null }));
    if (mtime !== null && mtime.getTime() < oldest) await Deno.remove(path, { recursive: true });
  }
}

function keyOf(inputs: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const input of inputs) hash.update(input).update("\0");
  return hash.digest("hex").slice(0, 16);
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
