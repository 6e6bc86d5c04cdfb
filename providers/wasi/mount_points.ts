import type { ContainerRun } from "../../lib/mod.ts";
import { mountPoints } from "./view.ts";

/** Makes the folders of the container's root that its mounts lie over. Rejects for a path that cannot be. */
export async function makeMountPoints(container: ContainerRun): Promise<void> {
  for (const path of mountPoints(container)) {
    let folder = container.rootPath;
    for (const name of path.split("/")) {
      folder = `${folder}/${name}`;
      if (!await makeFolder(folder)) break;
    }
  }
}

/**
 * Makes a folder in the container's root, or finds it there. False for a link of the image, which is not
 * followed, as it may lead out: what is mounted behind it is found by its name.
 */
async function makeFolder(folder: string): Promise<boolean> {
  const last = folder.slice(folder.lastIndexOf("/") + 1);
  if (["", ".", ".."].includes(last) || last.includes("\\")) {
    throw new Error(`Cannot make mount point "${folder}": "${last}" is no name of a folder`);
  }
  try {
    await Deno.mkdir(folder);
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    const { isDirectory, isSymlink } = await Deno.lstat(folder);
    if (isDirectory || isSymlink) return isDirectory;
    throw new Error(`Cannot make mount point "${folder}": something else is there`);
  }
}
