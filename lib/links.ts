/**
 * Symbolic links, which not everybody may make on Windows.
 *
 * @module
 */
import { join } from "node:path";
import { messageOf } from "./errors.ts";

/** What is asked of the system. */
export interface LinkWorld {
  /** The operating system, as `Deno.build.os`. */
  readonly os: typeof Deno.build.os;
  /** As `Deno.symlink`. */
  symlink(target: string, path: string, options: Deno.SymlinkOptions): Promise<void>;
}

const THIS_MACHINE: LinkWorld = { os: Deno.build.os, symlink: Deno.symlink };

const WHAT_TO_DO =
  `switch on Windows' developer mode, or give this user the right "Create symbolic links"`;

/**
 * Makes a link. Windows has other links for folders than for files, so the kind must be said.
 *
 * On Windows an error says what to do: only administrators may make links there, unless the machine is told
 * otherwise.
 */
export async function makeLink(
  target: string,
  { path, type }: { readonly path: string; readonly type: "file" | "dir" },
  world: LinkWorld = THIS_MACHINE,
): Promise<void> {
  try {
    await world.symlink(target, path, { type });
  } catch (cause) {
    if (world.os !== "windows") throw cause;
    throw new Error(`Cannot make link "${path}": ${messageOf(cause)}; ${WHAT_TO_DO}`, { cause });
  }
}

/** What an operator should know before the first pod fails; `undefined` if links can be made in this folder. */
export async function linkWarning(
  folder: string,
  world: LinkWorld = THIS_MACHINE,
): Promise<string | undefined> {
  if (world.os !== "windows") return undefined;
  const path = join(folder, `link-${crypto.randomUUID()}`);
  try {
    await world.symlink("nothing", path, { type: "file" });
    await Deno.remove(path).catch(() => {}); // an odd file of no bytes
    return undefined;
  } catch (error) {
    return `Pods with ConfigMaps, Secrets, tokens or the downward API as volumes cannot start on this machine, \
since links cannot be made (${messageOf(error)}); ${WHAT_TO_DO}`;
  }
}
