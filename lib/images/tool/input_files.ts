/**
 * What is to be pushed: a module, or a folder with a module and files beside it.
 *
 * @module
 */
import { basename, join } from "node:path";
import { KubeletError, messageOf } from "../../errors.ts";
import { foldedName } from "../../windows_names.ts";
import { treePath } from "../layout/tree_paths.ts";
import { PullFailure } from "../oci/failure.ts";
import { ENTRIES_MAX, FILES_MAX } from "./limits.ts";

/** A file, and what it is called in the artifact. */
export interface InputFile {
  readonly path: string;
  /** Its path from the artifact's root, with `/` between names on every system. */
  readonly title: string;
}

/** The files of an artifact. */
export interface InputFiles {
  readonly module: InputFile;
  /** In the order of their titles' characters. */
  readonly files: readonly InputFile[];
  /** Names in the folder that begin with a dot, and are not pushed. */
  readonly leftOut: readonly string[];
}

/**
 * Finds the files: a file is the module itself; of a folder it is the one `.wasm` file in it, or the one
 * that `module` names, and everything else is data.
 *
 * Links are refused, and names with a dot in front are left out: what is private is often behind either.
 * Throws a `KubeletError` with code `invalid` that says what to do.
 */
export async function findInput(path: string, module?: string): Promise<InputFiles> {
  const info = await Deno.stat(path).catch((error) => {
    throw invalid(path, error instanceof Deno.errors.NotFound ? "it is not there" : error);
  });
  if (!info.isDirectory) {
    if (module !== undefined) throw invalid(path, "--module is for folders");
    if (!info.isFile) throw invalid(path, "it is neither a file nor a folder");
    return { module: { path, title: basename(path) }, files: [], leftOut: [] };
  }
  const { files, leftOut } = await listFolder(path);
  const title = chooseModule(path, files, module);
  const others = files.filter((file) => file.title !== title);
  checkTitles(path, files);
  return { module: { path: join(path, title), title }, files: others, leftOut };
}

async function listFolder(
  root: string,
): Promise<{ files: InputFile[]; leftOut: string[] }> {
  const files: InputFile[] = [];
  const leftOut: string[] = [];
  let seen = 0;
  const waiting = [""];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    for await (const entry of Deno.readDir(join(root, folder))) {
      const title = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (++seen > ENTRIES_MAX) throw invalid(root, `it has more than ${ENTRIES_MAX} entries`);
      if (entry.name.startsWith(".")) leftOut.push(title);
      else if (entry.isDirectory) waiting.push(title);
      else if (entry.isFile) files.push({ path: join(root, title), title });
      else throw invalid(root, `"${title}" is a link or a device; put a file in its place`);
    }
  }
  files.sort((a, b) => a.title < b.title ? -1 : 1);
  return { files, leftOut: leftOut.sort() };
}

function chooseModule(root: string, files: readonly InputFile[], named?: string): string {
  const titles = files.map(({ title }) => title);
  if (named !== undefined) {
    const title = named.replaceAll("\\", "/").replace(/^\.\//, "");
    if (titles.includes(title)) return title;
    throw invalid(root, `it has no file "${named}", which --module names`);
  }
  const modules = titles.filter((title) => /^[^/]+\.wasm$/i.test(title));
  const [only] = modules;
  if (only !== undefined && modules.length === 1) return only;
  throw invalid(
    root,
    only === undefined
      ? "it has no .wasm file at its top; put one there, or name it with --module"
      : `it has several .wasm files (${modules.slice(0, 5).join(", ")}); choose with --module`,
  );
}

/** What a node would refuse to unpack is better refused here. */
function checkTitles(root: string, files: readonly InputFile[]): void {
  if (files.length > FILES_MAX + 1) {
    throw invalid(root, `it has ${files.length} files; up to ${FILES_MAX} go beside a module`);
  }
  const seen = new Map<string, string>();
  for (const { title } of files) {
    try {
      treePath(title);
    } catch (error) {
      if (!(error instanceof PullFailure)) throw error;
      throw invalid(root, error.message);
    }
    const twin = seen.get(foldedName(title));
    if (twin !== undefined) {
      throw invalid(root, `"${twin}" and "${title}" are one name on some systems; rename one`);
    }
    seen.set(foldedName(title), title);
  }
}

function invalid(path: string, state: unknown): KubeletError {
  const text = typeof state === "string" ? state : messageOf(state);
  return new KubeletError("invalid", `Cannot push "${path}": ${text}`);
}
