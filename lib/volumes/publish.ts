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
 * On Windows a link to a folder cannot be replaced by a rename: there a reader may for a moment find
 * no `..data` at all, but never a half-written file.
 *
 * @module
 */
import { join } from "node:path";
import { KubeletError } from "../errors.ts";
import { removeTree } from "../files.ts";
import { makeLink } from "../links.ts";

/** A file to be published. */
export interface PublishedFile {
  readonly bytes: Uint8Array;
  /** Permission bits, not cut by the umask. */
  readonly mode: number;
}

/** Files by path, relative to the volume. */
export type Payload = Map<string, PublishedFile>;

/** How to publish. */
export interface PublishOptions {
  /**
   * Keeps the files of earlier publications, for containers that mount a part of the volume by
   * `subPath`: such a mount goes on showing what it showed when the container began.
   *
   * @default false
   */
  readonly keepPrevious?: boolean;
}

const DATA = "..data";
const DATA_NEXT = "..data_tmp";
const GENERATION = /^\.\.\d{4}_/;
/** Limits of path and file name on Linux, which the API documents. */
const PATH_BYTES_MAX = 4_096;
const NAME_BYTES_MAX = 255;
const NONE: ReadonlySet<string> = new Set();

/**
 * Makes `folder`, which must exist, show these files and no others. True if anything changed.
 *
 * Not safe against a second call for the same folder at the same time. Throws a
 * {@linkcode KubeletError} with code `volume` for a path that would leave the folder or clash with
 * the reserved names.
 */
export async function publish(
  folder: string,
  payload: ReadonlyMap<string, PublishedFile>,
  options: PublishOptions = {},
): Promise<boolean> {
  const files = checkedPayload(payload);
  const { generations, links, current } = await readState(folder);
  const wanted = new Set([...files.keys()].map((path) => path.split("/", 1)[0] ?? ""));
  const complete = current !== undefined && wanted.difference(links).size === 0 &&
    links.difference(wanted).size === 0;
  const older = options.keepPrevious ? NONE : generations.difference(new Set([current]));
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

/** The payload with normalised paths, all of them inside the folder. */
function checkedPayload(payload: ReadonlyMap<string, PublishedFile>): Payload {
  const files: Payload = new Map();
  for (const [path, file] of payload) {
    const problem = pathProblem(path);
    if (problem !== undefined) {
      throw new KubeletError("volume", `invalid path "${path}": ${problem}`);
    }
    files.set(path.split("/").filter((part) => part !== "" && part !== ".").join("/"), file);
  }
  return files;
}

function pathProblem(path: string): string | undefined {
  const parts = path.split("/");
  const names = parts.filter((part) => part !== "" && part !== ".");
  const encoder = new TextEncoder();
  if (names.length === 0) return "must not be empty";
  if (path.startsWith("/")) return "must be a relative path";
  if (/[\0\\]/.test(path)) return "must not contain a backslash or a zero byte";
  if (parts.includes("..")) return "must not contain '..'";
  if (names[0]?.startsWith("..")) return "must not start with '..'";
  if (encoder.encode(path).length > PATH_BYTES_MAX) return `longer than ${PATH_BYTES_MAX} bytes`;
  if (parts.some((part) => encoder.encode(part).length > NAME_BYTES_MAX)) {
    return `a name is longer than ${NAME_BYTES_MAX} bytes`;
  }
  return undefined;
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
    if (file === undefined) return false;
    const bytes = await Deno.readFile(join(folder, path)).catch(ignoreDenied);
    if (bytes === undefined || !sameBytes(bytes, file.bytes)) return false;
  }
  return true;
}

/** A file whose mode shuts its owner out cannot be compared, and is written again. */
function ignoreDenied(error: unknown): undefined {
  if (error instanceof Deno.errors.PermissionDenied) return undefined;
  throw error;
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

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** A new name in the order of time, with chance behind it for two in one second. */
function generationName(): string {
  const time = new Date().toISOString().slice(0, 19).replaceAll(/[-T:]/g, "_");
  const [chance = 0] = crypto.getRandomValues(new Uint32Array(1));
  return `..${time}.${String(chance).padStart(10, "0")}`;
}

async function writeFiles(folder: string, files: Payload): Promise<void> {
  await Deno.mkdir(folder, { mode: 0o755 });
  const parents = new Set(
    [...files.keys()].map((path) => path.slice(0, path.lastIndexOf("/") + 1)),
  );
  parents.delete("");
  for (const parent of parents) {
    await Deno.mkdir(join(folder, parent), { recursive: true, mode: 0o755 });
  }
  await allDone(
    [...files].map(([path, { bytes, mode }]) =>
      Deno.writeFile(join(folder, path), bytes, { createNew: true, mode: mode & 0o777 })
    ),
  );
}

/** Links that containers see. Made after the swap: none of them ever points nowhere. */
async function addLinks(folder: string, names: ReadonlySet<string>): Promise<void> {
  await allDone([...names].map(async (name) => {
    const { isDirectory } = await Deno.stat(join(folder, DATA, name));
    const type = isDirectory ? "dir" : "file";
    await makeLink(join(DATA, name), { path: join(folder, name), type });
  }));
}

async function swap(folder: string, generation: string): Promise<void> {
  if (Deno.build.os === "windows") {
    await Deno.remove(join(folder, DATA)).catch(ignoreMissing);
    // Wine cannot rename a link to a folder, and here it would not be one step anyway.
    await makeLink(generation, { path: join(folder, DATA), type: "dir" });
    return;
  }
  await makeLink(generation, { path: join(folder, DATA_NEXT), type: "dir" });
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

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
