/**
 * What is published into a volume's folder, whatever the layout.
 *
 * @module
 */
import { KubeletError } from "../errors.ts";

/** A file to be published. */
export interface PublishedFile {
  readonly bytes: Uint8Array;
  /** Permission bits, not cut by the umask. */
  readonly mode: number;
}

/** Files by path, relative to the volume. */
export type Payload = Map<string, PublishedFile>;

/** Limits of path and file name on Linux, which the API documents. */
const PATH_BYTES_MAX = 4_096;
const NAME_BYTES_MAX = 255;

/**
 * The payload with normalised paths, all of them inside the folder.
 *
 * Throws a {@linkcode KubeletError} with code `volume` for a path that would leave the folder, clash with
 * the reserved names, or be a file and a folder at once.
 */
export function checkedPayload(payload: ReadonlyMap<string, PublishedFile>): Payload {
  const files: Payload = new Map();
  for (const [path, file] of payload) {
    const problem = pathProblem(path);
    if (problem !== undefined) throw invalidPath(path, problem);
    files.set(path.split("/").filter((part) => part !== "" && part !== ".").join("/"), file);
  }
  for (const folder of foldersOf(files.keys())) {
    if (files.has(folder)) throw invalidPath(folder, "it is the folder of another file as well");
  }
  return files;
}

/** The error for a path that cannot be published. */
export function invalidPath(path: string, problem: string): KubeletError {
  return new KubeletError("volume", `invalid path "${path}": ${problem}`);
}

function pathProblem(path: string): string | undefined {
  const parts = path.split("/");
  const names = parts.filter((part) => part !== "" && part !== ".");
  const encoder = new TextEncoder();
  if (names.length === 0) return "must not be empty";
  if (path.startsWith("/")) return "must be a relative path";
  if (/[\0\\]/.test(path)) return "must not contain a backslash or a zero byte";
  if (parts.includes("..")) return "must not contain '..'";
  if (names[0]?.startsWith("..")) return "must not start with '..'";
  if (encoder.encode(path).length > PATH_BYTES_MAX) return `longer than ${PATH_BYTES_MAX} bytes`;
  if (parts.some((part) => encoder.encode(part).length > NAME_BYTES_MAX)) {
    return `a name is longer than ${NAME_BYTES_MAX} bytes`;
  }
  return undefined;
}

/** The folders that files with these paths lie in, the outer ones first. */
export function foldersOf(paths: Iterable<string>): ReadonlySet<string> {
  const folders = new Set<string>();
  for (const path of paths) {
    for (let at = path.indexOf("/"); at !== -1; at = path.indexOf("/", at + 1)) {
      folders.add(path.slice(0, at));
    }
  }
  return folders;
}

/** True if the file is there with these bytes. */
export async function hasBytes(path: string, bytes: Uint8Array): Promise<boolean> {
  try {
    return sameBytes(await Deno.readFile(path), bytes);
  } catch (error) {
    // A file whose mode shuts its owner out cannot be compared, and is written again.
    if (error instanceof Deno.errors.PermissionDenied) return false;
    throw error;
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** Writes a file that is not there yet. */
export async function writeNew(path: string, { bytes, mode }: PublishedFile): Promise<void> {
  await Deno.writeFile(path, bytes, { createNew: true, mode: mode & 0o777 });
}
