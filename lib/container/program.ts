/**
 * Which module of an image a container runs.
 *
 * @module
 */
import { KubeletError } from "../errors.ts";
import type { ImageOnDisk } from "../images/images.ts";
import type { ContainerRun } from "../provider.ts";

/** Where programs are looked for if the container has no `PATH`: what container runtimes use. */
export const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** Modules that are told in a message. */
const CANDIDATES_MAX = 5;

/** What is looked into. */
export type ProgramImage = Pick<ImageOnDisk, "image" | "module" | "tree">;

/** What the search starts from. */
export interface ProgramSearch {
  /** argv[0]; absent if neither the pod nor the image says it. */
  readonly name: string | undefined;
  /** The container's `PATH`, if it has one. */
  readonly path: string | undefined;
  /** The container's current directory. */
  readonly workingDir: string;
}

/**
 * The module to run: the image's own, or the file of its tree that `name` stands for, as a shell finds it,
 * links followed. A bare name that `PATH` does not have is looked for in the current directory and in
 * `/`. Without a name, the only module of the tree.
 *
 * Throws a `KubeletError` with code `entrypoint` that names the modules that there are. Touches no disk.
 */
export function findProgram(image: ProgramImage, search: ProgramSearch): ContainerRun["module"] {
  if (image.module !== undefined) return image.module;
  const { tree } = image;
  if (tree === undefined) throw new Error(`Cannot run image "${image.image}": it holds nothing`);
  const { modules } = tree.index;
  const refuse = (state: string): never => {
    const names = modules.slice(0, CANDIDATES_MAX).map(({ path }) => `"/${path}"`);
    const more = modules.length - names.length;
    throw new KubeletError(
      "entrypoint",
      `Cannot run image "${image.image}": ${state}; ` +
        (modules.length === 0
          ? "the image holds no WebAssembly module at all"
          : `its WebAssembly modules are ${names.join(", ")}${
            more > 0 ? ` and ${more} more` : ""
          }`),
    );
  };
  const { name } = search;
  if (name === undefined) {
    const [only] = modules;
    if (only !== undefined && modules.length === 1) return place(tree.path, only);
    return refuse("it has no entrypoint, and the container no command");
  }
  for (const path of candidates(name, search)) {
    const found = tree.index.resolve(path);
    if (found?.kind !== "file") continue;
    if (found.wasm === true) return place(tree.path, found);
    refuse(`its file "/${found.path}" is not WebAssembly`);
  }
  return refuse(`there is no program "${name}"`);
}

/** Paths from the root on where a program of this name may be, best first. */
function candidates(name: string, { path, workingDir }: ProgramSearch): string[] {
  if (name.startsWith("/")) return [name];
  if (name.includes("/")) return [`${workingDir}/${name}`];
  const folders = (path ?? DEFAULT_PATH).split(":").map((folder) => folder || workingDir);
  // `ENTRYPOINT ["app.wasm"]` is how many images for other Wasm runtimes are made.
  return [...folders, workingDir, "/"].map((folder) =>
    folder.startsWith("/") ? `${folder}/${name}` : `${workingDir}/${folder}/${name}`
  );
}

function place(
  root: string,
  { path, digest }: { readonly path: string; readonly digest: string },
): ContainerRun["module"] {
  return { path: `${root}/${path}`, digest };
}
