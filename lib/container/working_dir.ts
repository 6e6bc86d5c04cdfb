/**
 * The folder that a container's program starts in.
 *
 * @module
 */
import { posix } from "node:path";
import type { Container } from "../api/types.ts";
import { KubeletError, messageOf } from "../errors.ts";
import { type Held, hold } from "../hold.ts";
import type { ImageOnDisk } from "../images/images.ts";
import type { ContainerMount } from "../provider.ts";
import { resolveSubPath } from "../volumes/sub_path.ts";

/**
 * The container's own folder, else its image's: absolute, without `..` and a slash at its end. Absent for
 * `/`. Touches nothing.
 */
export function workingDirOf(
  spec: Pick<Container, "workingDir">,
  image: Pick<ImageOnDisk, "workingDir">,
): string | undefined {
  const path = insidePath(spec.workingDir || image.workingDir || "/");
  return path === "/" ? undefined : path;
}

/** A path of the container as its kernel would read it: there is no way up out of the root. */
export function insidePath(path: string): string {
  const clean = posix.normalize(`/${path}`);
  return clean.length > 1 && clean.endsWith("/") ? clean.slice(0, -1) : clean;
}

/** Where a working directory may be. */
export interface WorkingDirPlaces {
  readonly tree: ImageOnDisk["tree"];
  readonly mounts: readonly ContainerMount[];
}

/** True if nothing need be made in the container's root for it. Touches nothing. */
export function isInImage(path: string, { tree, mounts }: WorkingDirPlaces): boolean {
  return mountOf(path, mounts) !== undefined || tree?.index.resolve(path)?.kind === "folder";
}

/**
 * Makes the folder, as container runtimes do, in the root or in the volume that it is in.
 *
 * Throws a {@linkcode KubeletError} with code `entrypoint` if something else is there, or if it is missing in
 * a volume that is read-only.
 */
export async function makeWorkingDir(
  path: string,
  { rootPath, tree, mounts }: WorkingDirPlaces & { readonly rootPath: string },
): Promise<void> {
  const refuse = (why: string, cause?: unknown): never => {
    throw new KubeletError("entrypoint", `Cannot start in folder "${path}": ${why}`, { cause });
  };
  const mount = mountOf(path, mounts);
  try {
    if (mount !== undefined) {
      const below = path.slice(mount.guestPath.length + 1);
      const found = await resolveSubPath(mount.hostPath, below, {
        create: !mount.readOnly,
        hold: holdExactly,
      });
      if (found.isFile) refuse("it is a file");
      return;
    }
    if (rootPath === tree?.path) return; // it is shared, and nothing is made in it
    const place = tree === undefined ? path.slice(1) : tree.index.place(path);
    if (place === undefined) return refuse("a file or a link that leads nowhere is on the way");
    await Deno.mkdir(`${rootPath}/${place}`, { recursive: true });
  } catch (error) {
    if (error instanceof KubeletError && error.code === "entrypoint") throw error;
    refuse(messageOf(error), error);
  }
}

/** Holds a folder that a guest may have swapped for a link since its path was found. */
async function holdExactly(path: string): Promise<Held> {
  const held = await hold(path);
  if (held.path === path) return held;
  await held[Symbol.asyncDispose]();
  throw new Error(`"${path}" was swapped for something else`);
}

/** The mount that holds this path. */
function mountOf(path: string, mounts: readonly ContainerMount[]): ContainerMount | undefined {
  return mounts
    .filter(({ guestPath }) => path === guestPath || path.startsWith(`${guestPath}/`))
    .toSorted((a, b) => b.guestPath.length - a.guestPath.length)[0];
}
