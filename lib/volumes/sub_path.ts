import { isAbsolute, join, relative, sep } from "node:path";
import { KubeletError } from "../errors.ts";

/** A part of a volume. */
export interface ResolvedSubPath {
  /** Absolute, without links. */
  readonly hostPath: string;
  readonly isFile: boolean;
}

/**
 * Finds `subPath` in a volume's folder, following links only while they stay inside. With `create`,
 * missing folders are made, with the permissions of the volume itself.
 *
 * Whoever opens the result by its path must refuse links once more, since a guest that runs may
 * change the volume in the meantime. Throws a {@linkcode KubeletError} with code `container_config`.
 */
export async function resolveSubPath(
  volumePath: string,
  subPath: string,
  options: { create: boolean },
): Promise<ResolvedSubPath> {
  const base = await Deno.realPath(volumePath);
  const parts = subPathParts(subPath);
  let hostPath = base;
  for (const part of parts) {
    const next = join(hostPath, part);
    let info = await lstatOrUndefined(next);
    if (info === undefined) {
      if (!options.create) throw refusal(subPath, "does not exist in the volume");
      await makeFolder(next, base);
      info = await Deno.lstat(next);
    }
    hostPath = info.isSymlink ? await followLink(next, { base, subPath }) : next;
  }
  return { hostPath, isFile: !(await Deno.stat(hostPath)).isDirectory };
}

function subPathParts(subPath: string): string[] {
  if (subPath.startsWith("/") || isAbsolute(subPath)) {
    throw refusal(subPath, "must not be an absolute path");
  }
  if (/[\\\0]/.test(subPath)) throw refusal(subPath, "must not contain a backslash or a zero byte");
  const parts = subPath.split("/");
  if (parts.includes("..")) throw refusal(subPath, "must not contain '..'");
  return parts.filter((part) => part !== "" && part !== ".");
}

async function lstatOrUndefined(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function makeFolder(path: string, base: string): Promise<void> {
  const { mode } = await Deno.stat(base);
  try {
    await Deno.mkdir(path);
  } catch (error) {
    // Another container of the pod, or a guest, was faster: what is there now is looked at again.
    if (error instanceof Deno.errors.AlreadyExists) return;
    throw error;
  }
  if (mode !== null) await Deno.chmod(path, mode & 0o777);
}

/** Where a link ends, if that exists and is inside. */
async function followLink(
  path: string,
  { base, subPath }: { base: string; subPath: string },
): Promise<string> {
  let target: string;
  try {
    target = await Deno.realPath(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw refusal(subPath, "leads to nothing");
    throw error;
  }
  const way = relative(base, target);
  if (way === ".." || way.startsWith(`..${sep}`) || isAbsolute(way)) {
    throw refusal(subPath, "leads out of the volume");
  }
  return target;
}

function refusal(subPath: string, problem: string): KubeletError {
  return new KubeletError("container_config", `subPath "${subPath}" ${problem}`);
}
