/**
 * A pod's names over a root that it shares with other pods, where nothing can be written.
 *
 * @module
 */
import { removeTree } from "../files.ts";
import type { ImageOnDisk } from "../images/images.ts";
import type { ContainerMount } from "../provider.ts";
import type { HostFile } from "./host_files.ts";

/** Bytes of an image's `/etc` that are copied for each container: configuration, no data. */
export const ETC_BYTES_MAX = 4 * 1024 * 1024;
/** As many files and folders. */
const ETC_ENTRIES_MAX = 1_000;
const ETC = "/etc";

/** Where names are to be seen. */
export interface SharedNamesOptions {
  /** Folder that is made for it, anew. */
  readonly path: string;
  readonly tree: ImageOnDisk["tree"];
  /** What the guest sees besides. */
  readonly mountPaths: readonly string[];
  readonly signal: AbortSignal;
}

/**
 * Makes a folder of the image's `/etc` and these files, to be mounted over it. Undefined where the image's own has to
 * do: something is mounted at `/etc` or `/` already, it is a link, has links to folders or to nowhere, or is too large.
 */
export async function sharedNames(
  files: readonly HostFile[],
  { path, tree, mountPaths, signal }: SharedNamesOptions,
): Promise<ContainerMount | undefined> {
  const taken = mountPaths.some((mounted) => mounted === ETC || mounted === "/");
  const copied = tree === undefined ? [] : entriesOf(tree);
  if (files.length === 0 || taken || copied === undefined) return undefined;
  // An attempt before may have left it.
  await removeTree(path).catch(() => {});
  await Deno.mkdir(path, { mode: 0o700 });
  const named = new Set(files.map(({ guestPath }) => guestPath));
  for (const { to, from } of copied) {
    signal.throwIfAborted();
    if (from === undefined) await Deno.mkdir(`${path}/${to}`, { mode: 0o700 });
    else if (!named.has(`${ETC}/${to}`)) await Deno.copyFile(from, `${path}/${to}`);
  }
  for (const { guestPath, text } of files) {
    const to = `${path}${guestPath.slice(ETC.length)}`;
    // A folder of that name is the image's own wish.
    await Deno.writeTextFile(to, text, { createNew: true, mode: 0o644 }).catch((error) => {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    });
  }
  return { hostPath: await Deno.realPath(path), guestPath: ETC, readOnly: true, unlisted: true };
}

/** One thing to copy: a folder, or the file that a path leads to. */
interface Copied {
  /** Below `/etc`. */
  readonly to: string;
  /** @default {it is a folder} */
  readonly from?: string;
}

/** What the image has in `/etc`, folders first; undefined if that cannot be copied as it is. */
function entriesOf({ path, index }: NonNullable<ImageOnDisk["tree"]>): Copied[] | undefined {
  const found: Copied[] = [];
  let bytes = 0;
  if (index.place(ETC) !== ETC.slice(1)) return undefined;
  if (index.resolve(ETC)?.kind === "file") return undefined;
  for (const entry of index.entries) {
    if (!`/${entry.path}`.startsWith(`${ETC}/`)) continue;
    const to = entry.path.slice(ETC.length);
    const real = entry.kind === "link" ? index.resolve(entry.path) : entry;
    if (real === undefined || (entry.kind === "link" && real.kind === "folder")) return undefined;
    if (real.kind === "file") bytes += real.size;
    found.push(real.kind === "file" ? { to, from: `${path}/${real.path}` } : { to });
    if (bytes > ETC_BYTES_MAX || found.length > ETC_ENTRIES_MAX) return undefined;
  }
  return found;
}
