/**
 * Names of files in images: where they lie in the tree, and where links may lead.
 *
 * Everything here is pure and distrusts its input.
 *
 * @module
 */
import { isWindowsName } from "../../windows_names.ts";
import { clean, PullFailure } from "../oci/failure.ts";
import { DEPTH_MAX, NAME_BYTES_MAX, PATH_BYTES_MAX } from "./limits.ts";

/**
 * The names of a path in an archive, from the root on; none for the root itself. A path that begins
 * with `/` begins at the image's root, as container runtimes have it.
 *
 * Throws a `PullFailure` for a path with `..`, with a NUL, or beyond the limits, and on Windows for
 * a name that means something else there.
 */
export function treePath(written: string, os: typeof Deno.build.os = Deno.build.os): string[] {
  const names = written.split("/").filter((name) => name !== "" && name !== ".");
  const refuse = (state: string): never => {
    throw new PullFailure(
      `its file "${
        clean(written)
      }" cannot be unpacked: ${state}; pack it elsewhere or leave it out`,
    );
  };
  if (written.includes("\0")) refuse("its name holds a NUL");
  if (names.includes("..")) refuse(`its path holds "..", which could lead out of the image`);
  if (names.length > DEPTH_MAX) refuse(`it lies in more than ${DEPTH_MAX} folders`);
  if (hasOver(written, PATH_BYTES_MAX)) refuse(`its path has over ${PATH_BYTES_MAX} bytes`);
  for (const name of names) {
    if (hasOver(name, NAME_BYTES_MAX)) refuse(`a name in it has over ${NAME_BYTES_MAX} bytes`);
    if (os === "windows" && !isWindowsName(name)) {
      refuse(`Windows cannot have a name as "${clean(name)}"`);
    }
  }
  return names;
}

/**
 * What a symbolic link in folder `at` (its names from the root on) holds so that it leads to the same
 * place for a guest whose `/` is the tree, and never out of the tree.
 *
 * A guest's host refuses links that begin with `/` or climb over the root. So these are written anew,
 * relative to their folder; all others stay as they are. `..` at the root stays at the root, as in
 * any root folder.
 */
export function containedTarget(at: readonly string[], target: string): string {
  const names = target.split("/").filter((name) => name !== "" && name !== ".");
  if (!target.startsWith("/") && !climbsOut(at.length, names)) return target;
  const place = target.startsWith("/") ? [] : [...at];
  for (const name of names) {
    if (name === "..") place.pop();
    else place.push(name);
  }
  return [...at.map(() => ".."), ...place].join("/") || ".";
}

function climbsOut(depth: number, names: readonly string[]): boolean {
  let level = depth;
  return names.some((name) => (name === ".." ? --level : ++level) < 0);
}

const encoder = new TextEncoder();

/** True if a text has more than so many bytes in UTF-8. */
export function hasOver(text: string, bytes: number): boolean {
  // A character of a text is three bytes at most: that is quickly known of nearly all.
  return text.length * 3 > bytes && encoder.encode(text).length > bytes;
}
