/**
 * Writes a set of files into a folder so that no reader ever sees half of a change.
 *
 * The layout is that of a kubelet's atomic writer, which programs rely on when they watch `..data`:
 *
 * ```
 * ..2026_11_21_08_45_00.1234567890/app/config.yaml   the files
 * ..data -> ..2026_11_21_08_45_00.1234567890         swapped by one rename
 * app -> ..data/app                                  what a container sees
 * ```
 *
 * A reader that has followed `..data` may still be on its way: what it has found stays until the next
 * call, whether that changes anything or not.
 *
 * @module
 */
import { join } from "node:path";
import { removeTree } from "../files.ts";
import {
  checkedPayload,
  foldersOf,
  hasBytes,
  type Payload,
  type PublishedFile,
  writeNew,
} from "./payload.ts";

const DATA = "..data";
const DATA_NEXT = "..data_tmp";
const GENERATION = /^\.\.\d{4}_/;
const NONE: ReadonlySet<string> = new Set();

/**
 * Makes `folder`, which must exist, show these files and no others. True if anything changed.
 *
 * Not safe against a second call for the same folder at the same time. Throws as {@linkcode checkedPayload}; after
 * any other failure the old files are still there.
 */
export async function publishLinks(
  folder: string,
  payload: ReadonlyMap<string, PublishedFile>,
  { keepPrevious }: { readonly keepPrevious: boolean },
): Promise<boolean> {
  const files = checkedPayload(payload);
  const { generations, links, current } = await readState(folder);
  const wanted = new Set([...files.keys()].map((path) => path.split("/", 1)[0] ?? ""));
  const complete = current !== undefined && wanted.difference(links).size === 0 &&
    links.difference(wanted).size === 0;
  const older = keepPrevious ? NONE : generations.difference(new Set([current]));
  if (complete && await showsFiles(join(folder, current), files)) {
    await removeAll(folder, older);
    return false;
  }
  const generation = generationName();
  try {
    await writeFiles(join(folder, generation), files);
    await swap(folder, generation);
  } catch (error) {
    await removeAll(folder, [generation]);
    throw error;
  }
  await addLinks(folder, wanted.difference(links));
  await removeAll(folder, links.difference(wanted));
  await removeAll(folder, older);
  return true;
}

interface State {
  readonly generations: ReadonlySet<string>;
  readonly links: ReadonlySet<string>;
  /** What `..data` points to, if that is there. */
  readonly current: string | undefined;
}

async function readState(folder: string): Promise<State> {
  const generations = new Set<string>();
  const links = new Set<string>();
  let target: string | undefined;
  for await (const entry of Deno.readDir(folder)) {
    if (entry.name === DATA) target = await Deno.readLink(join(folder, DATA));
    else if (entry.name === DATA_NEXT) await Deno.remove(join(folder, DATA_NEXT));
    else if (entry.isDirectory && GENERATION.test(entry.name)) generations.add(entry.name);
    else if (entry.isSymlink) links.add(entry.name);
  }
  const current = target !== undefined && generations.has(target) ? target : undefined;
  return { generations, links, current };
}

/** True if the folder holds exactly these files with these bytes. */
async function showsFiles(folder: string, files: Payload): Promise<boolean> {
  const found = await listFiles(folder);
  if (found.length !== files.size) return false;
  for (const path of found) {
    const file = files.get(path);
    if (file === undefined || !await hasBytes(join(folder, path), file.bytes)) return false;
  }
  return true;
}

async function listFiles(folder: string, prefix = ""): Promise<string[]> {
  const paths: string[] = [];
  for await (const entry of Deno.readDir(join(folder, prefix))) {
    const path = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
    if (entry.isDirectory) paths.push(...await listFiles(folder, path));
    else paths.push(path);
  }
  return paths;
}

/** A new name in the order of time, with chance behind it for two in one second. */
function generationName(): string {
  const time = new Date().toISOString().slice(0, 19).replaceAll(/[-T:]/g, "_");
  const [chance = 0] = crypto.getRandomValues(new Uint32Array(1));
  return `..${time}.${String(chance).padStart(10, "0")}`;
}

async function writeFiles(folder: string, files: Payload): Promise<void> {
  await Deno.mkdir(folder, { mode: 0o755 });
  for (const parent of foldersOf(files.keys())) {
    await Deno.mkdir(join(folder, parent), { mode: 0o755 });
  }
  await allDone([...files].map(([path, file]) => writeNew(join(folder, path), file)));
}

/** Links that containers see. Made after the swap: none of them ever points nowhere. */
async function addLinks(folder: string, names: ReadonlySet<string>): Promise<void> {
  await allDone([...names].map((name) => Deno.symlink(join(DATA, name), join(folder, name))));
}

async function swap(folder: string, generation: string): Promise<void> {
  await Deno.symlink(generation, join(folder, DATA_NEXT));
  await Deno.rename(join(folder, DATA_NEXT), join(folder, DATA));
}

async function removeAll(folder: string, names: Iterable<string>): Promise<void> {
  await allDone([...names].map((name) => removeTree(join(folder, name))));
}

/** Waits for all, so that nothing is still writing when the first failure is thrown. */
async function allDone(work: Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}
