/**
 * The folder that becomes a container's `/`.
 *
 * @module
 */
import { KubeletError } from "../errors.ts";
import { removeTree } from "../files.ts";
import type { ImageOnDisk } from "../images/images.ts";
import { copyTree } from "../images/layout/copy_tree.ts";
import type { ContainerMount, ContainerRun } from "../provider.ts";
import { filledMark } from "./places.ts";

/** What a root is made for. */
export interface RootWishes {
  /** The run's own folder. */
  readonly own: string;
  readonly tree: ImageOnDisk["tree"];
  /** The guest changes nothing in it. */
  readonly readOnly: boolean;
  /** Absolute paths in the container at which something will be mounted. */
  readonly mountPaths: readonly string[];
  readonly signal: AbortSignal;
}

/**
 * The mounts as the guest sees them in a root that has links: one whose path leads through a link is
 * mounted where the link leads as well, so that both names of it work.
 *
 * Throws a `KubeletError` with code `container_config` for a path that leads nowhere.
 */
export function mountsThroughLinks(
  mounts: readonly ContainerMount[],
  tree: ImageOnDisk["tree"],
): ContainerMount[] {
  if (tree === undefined) return [...mounts];
  return mounts.flatMap((mount) => {
    const guestPath = placeInRoot(mount.guestPath, tree);
    return guestPath === mount.guestPath ? [mount] : [mount, { ...mount, guestPath }];
  });
}

/** The path in the container that `path` leads to, without a link in it. */
export function placeInRoot(path: string, tree: ImageOnDisk["tree"]): string {
  if (tree === undefined) return path;
  const place = tree.index.place(path);
  if (place !== undefined) return `/${place}`;
  throw new KubeletError(
    "container_config",
    `Cannot mount anything at "${path}": in the image, a file or a link that leads nowhere is on the way`,
  );
}

/**
 * Makes the root, and answers where it is: the run's own folder, empty or with a copy of the image's files;
 * or the image's tree itself for a guest that changes nothing in it, if it has a folder for each mount.
 */
export async function makeRoot(
  { own, tree, readOnly, mountPaths, signal }: RootWishes,
): Promise<ContainerRun["rootPath"]> {
  await makeEmpty(own);
  if (tree === undefined) return own;
  if (readOnly && mountPaths.every((path) => tree.index.hasFolder(path.slice(1)))) return tree.path;
  await copyTree(tree, { into: own, signal });
  await Deno.writeFile(filledMark(own), new Uint8Array());
  return own;
}

/** Makes a folder that is surely new: what an attempt before has left could hold links. */
async function makeEmpty(path: string): Promise<void> {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true, mode: 0o700 });
  try {
    await Deno.mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    await removeTree(path);
    await Deno.mkdir(path, { mode: 0o700 });
  }
}
