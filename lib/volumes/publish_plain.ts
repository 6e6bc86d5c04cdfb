/**
 * Writes a set of files into a folder without a link, for systems where not everybody may make one.
 *
 * ```
 * ..new-0          a file on its way; renamed over the old one
 * app/config.yaml  what a container sees
 * ```
 *
 * No reader ever sees half of a file. The files of a set change one after the other, though: a reader may find
 * some that are new beside some that are old.
 *
 * A file that cannot be replaced, since a reader has it open (a sharing violation of Windows), stays as it
 * was until the next call, and holds up no other.
 *
 * @module
 */
import { join } from "node:path";
import { KubeletError, messageOf } from "../errors.ts";
import { removeTree } from "../files.ts";
import { foldedName, isWindowsName } from "../windows_names.ts";
import {
  checkedPayload,
  foldersOf,
  hasBytes,
  invalidPath,
  type Payload,
  type PublishedFile,
  writeNew,
} from "./payload.ts";

const RESERVED = "..";

/** The deeds with files that may fail because of a reader. */
export interface PlainFiles {
  /** As `Deno.rename`. */
  rename(from: string, to: string): Promise<void>;
  /** As {@linkcode removeTree}. */
  remove(path: string): Promise<void>;
}

const THIS_MACHINE: PlainFiles = { rename: Deno.rename, remove: removeTree };

/**
 * Makes `folder`, which must exist, show these files and no others. True if anything changed.
 *
 * Takes over a folder that was published with links. Throws a {@linkcode KubeletError} with code `volume` for
 * paths that cannot be published, before anything is done, and for files that could not be replaced or removed,
 * after all others are.
 */
export async function publishPlain(
  folder: string,
  payload: ReadonlyMap<string, PublishedFile>,
  { rename, remove }: PlainFiles = THIS_MACHINE,
): Promise<boolean> {
  const files = checkedPayload(payload);
  checkNames(files);
  const { first, write, last } = plan(files, await look(folder, files));
  const problems: unknown[] = [];
  const attempt = async (deed: Promise<void>): Promise<void> => {
    await deed.catch((error: unknown) => problems.push(error));
  };
  for (const path of first) await attempt(remove(join(folder, path)));
  for (const path of foldersOf(write)) {
    await attempt(Deno.mkdir(join(folder, path), { recursive: true, mode: 0o755 }));
  }
  for (const [at, path] of write.entries()) {
    const file = files.get(path);
    if (file === undefined) continue;
    const fresh = join(folder, `${RESERVED}new-${at}`);
    await attempt(
      replace(join(folder, path), { file, fresh, rename }).catch(async (error) => {
        await remove(fresh).catch(() => {}); // the next call removes it
        throw new Error(`Cannot replace file "${path}": ${messageOf(error)}`, { cause: error });
      }),
    );
  }
  for (const path of last) await attempt(remove(join(folder, path)));
  if (problems.length > 0) {
    const message = problems.map(messageOf).join("; ");
    throw new KubeletError("volume", message, { cause: problems[0] });
  }
  return [...first, ...write, ...last].some((path) => !path.startsWith(RESERVED));
}

/** Refuses what this layout's systems cannot hold: devices, and names that are one to them. */
function checkNames(files: Payload): void {
  const seen = new Map<string, string>();
  for (const path of [...foldersOf(files.keys()), ...files.keys()]) {
    const strange = path.split("/").find((name) => !isWindowsName(name));
    if (strange !== undefined) throw invalidPath(path, `"${strange}" is no name on this system`);
    const same = seen.get(foldedName(path));
    if (same !== undefined) throw invalidPath(path, `it is the same as "${same}" on this system`);
    seen.set(foldedName(path), path);
  }
}

interface Found {
  readonly path: string;
  readonly kind: "right" | "changed" | "wrong";
}

/** What is in the folder, outer names first; not what is in a folder that must go. */
async function look(folder: string, files: Payload): Promise<Found[]> {
  const folders = foldersOf(files.keys());
  const found: Found[] = [];
  const todo = [""];
  for (let prefix = todo.pop(); prefix !== undefined; prefix = todo.pop()) {
    for await (const { name, isDirectory, isFile } of Deno.readDir(join(folder, prefix))) {
      const path = prefix + name;
      const file = isFile ? files.get(path) : undefined;
      if (file !== undefined) {
        // One that cannot be read now is written again.
        const same = await hasBytes(join(folder, path), file.bytes).catch(() => false);
        found.push({ path, kind: same ? "right" : "changed" });
      } else if (isDirectory && folders.has(path)) todo.push(`${path}/`);
      else found.push({ path, kind: "wrong" });
    }
  }
  return found;
}

interface Plan {
  /** Removed before anything is written: it is in the way, or nobody's. */
  readonly first: readonly string[];
  readonly write: readonly string[];
  /** Removed at the end: who reads the old set finds it as long as may be. */
  readonly last: readonly string[];
}

/** Decides what to do; touches nothing. */
function plan(files: Payload, found: readonly Found[]): Plan {
  const right = new Set(found.filter(({ kind }) => kind === "right").map(({ path }) => path));
  const wanted = new Set([...foldersOf(files.keys()), ...files.keys()].map(foldedName));
  const wrong = found.filter(({ kind }) => kind === "wrong").map(({ path }) => path);
  const inTheWay = (path: string): boolean =>
    path.startsWith(RESERVED) || wanted.has(foldedName(path));
  return {
    first: wrong.filter(inTheWay),
    write: [...files.keys()].filter((path) => !right.has(path)),
    last: wrong.filter((path) => !inTheWay(path)),
  };
}

/** Puts a file in the place of another, or of none, in one step. */
async function replace(
  path: string,
  { file, fresh, rename }: {
    readonly file: PublishedFile;
    readonly fresh: string;
    readonly rename: PlainFiles["rename"];
  },
): Promise<void> {
  await writeNew(fresh, file);
  await rename(fresh, path);
}
