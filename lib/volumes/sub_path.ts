import { isAbsolute, relative, sep } from "node:path";
import { KubeletError, messageOf } from "../errors.ts";
import { type Held, hold } from "../hold.ts";

/** A part of a volume. */
export interface ResolvedSubPath {
  /** Absolute, and without links at the moment. */
  readonly hostPath: string;
  readonly isFile: boolean;
}

/** How {@linkcode resolveSubPath} goes. */
export interface ResolveSubPathOptions {
  /** Missing folders are made, with the permissions of the volume itself. */
  readonly create: boolean;
  /** @default hold */
  readonly hold?: (path: string) => Promise<Held>;
}

/**
 * Finds `subPath` in a volume's folder, following links only while they stay inside. A guest that runs
 * may change the volume meanwhile: nothing is made outside even then, on systems where {@linkcode hold}
 * goes by descriptors.
 *
 * Whoever opens the result must refuse links in it, since it may have been swapped again by then.
 * Throws a {@linkcode KubeletError} with code `container_config`.
 */
export async function resolveSubPath(
  volumePath: string,
  subPath: string,
  { create, hold: take = hold }: ResolveSubPathOptions,
): Promise<ResolvedSubPath> {
  const names = namesOf(subPath);
  let here = await take(volumePath);
  const { path: volume, mode } = here;
  try {
    for (const name of names) {
      const next = await step(here, name, { subPath, ...(create ? { mode } : {}) });
      await here[Symbol.asyncDispose]();
      here = next;
      // What is held is where it says, whatever its name has been given to since.
      if (!isInside(volume, here.path)) throw refusal(subPath, "leads out of the volume");
    }
    return { hostPath: here.path, isFile: here.kind !== "folder" };
  } finally {
    await here[Symbol.asyncDispose]();
  }
}

function namesOf(subPath: string): string[] {
  if (subPath.startsWith("/") || isAbsolute(subPath)) {
    throw refusal(subPath, "must not be an absolute path");
  }
  if (/[\\\0]/.test(subPath)) throw refusal(subPath, "must not contain a backslash or a zero byte");
  const parts = subPath.split("/");
  if (parts.includes("..")) throw refusal(subPath, "must not contain '..'");
  return parts.filter((part) => part !== "" && part !== ".");
}

/** Holds what is next on the way; with a mode, makes the folder if it is missing. */
async function step(
  here: Held,
  name: string,
  { subPath, mode }: { readonly subPath: string; readonly mode?: number },
): Promise<Held> {
  if (here.kind !== "folder") throw refusal(subPath, "leads through a file");
  try {
    const found = await here.below(name);
    if (found !== undefined) return found;
    if (mode === undefined) throw refusal(subPath, "does not exist in the volume");
    // If it is there by now, another container of the pod was faster, or it is a link to nothing.
    await here.makeFolder(name, mode);
    const made = await here.below(name);
    if (made === undefined) throw refusal(subPath, "leads to nothing");
    return made;
  } catch (error) {
    if (error instanceof KubeletError) throw error;
    throw refusal(subPath, `cannot be used: ${messageOf(error)}`, error);
  }
}

function isInside(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function refusal(subPath: string, problem: string, cause?: unknown): KubeletError {
  return new KubeletError("container_config", `subPath "${subPath}" ${problem}`, { cause });
}
