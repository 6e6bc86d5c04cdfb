/**
 * Where a path may lead. Pure: what a name is comes from `look`, so that a test can own the whole
 * file system.
 *
 * @module
 */
import { ERRNO } from "./errno.ts";
import { LINKS_MAX } from "./limits.ts";

/** What stands at the end of some parts. */
export type Kind =
  | { readonly is: "directory" | "other" | "missing" }
  | { readonly is: "link"; readonly target: string };

/** Where a path ends. */
export interface Place {
  /** Names from the root: none is empty, `.`, `..` or, but for the last, a link. */
  readonly parts: readonly string[];
  /** What was seen there; `missing` only for the last name. */
  readonly kind: Kind;
  /** The path ends in a slash, `.` or `..`: whatever it names must be a directory. */
  readonly mustBeDirectory: boolean;
}

/** How {@linkcode walk} treats its path. */
export interface WalkOptions {
  /** Follow a link at the end of the path. Links before the end are always followed. */
  readonly follow: boolean;
  /**
   * The path is to be created if it is missing. Then slashes behind its last name, or behind that of a
   * link that it ends in, are refused with `isdir` before anybody looks what is there, as Linux does.
   *
   * @default {false}
   */
  readonly create?: boolean;
  /** Tells what stands at these parts; called for existing directories' entries only. */
  readonly look: (parts: readonly string[]) => Kind;
}

/**
 * Walks a path from a root, one name at a time, and never above it.
 *
 * Answers the place, or an errno: `perm` for a way that leads out, `loop`, `notdir`, `noent`, `isdir`.
 */
export function walk(path: string, options: WalkOptions): Place | number {
  if (path === "") return ERRNO.noent;
  if (path.startsWith("/")) return ERRNO.perm;
  const todo = path.split("/").reverse();
  const done: string[] = [];
  let kind: Kind = { is: "directory" };
  let mustBeDirectory = false;
  let links = 0;
  while (todo.length > 0) {
    const part = todo.pop()!;
    if (part === "" || part === "." || part === "..") {
      mustBeDirectory = true;
      if (part === "" && kind.is === "missing") continue;
      if (kind.is === "missing") return ERRNO.noent;
      if (kind.is !== "directory") return ERRNO.notdir;
      if (part === ".." && done.pop() === undefined) return ERRNO.perm;
      continue;
    }
    if (kind.is === "missing") return ERRNO.noent;
    if (kind.is !== "directory") return ERRNO.notdir;
    mustBeDirectory = false;
    if (options.create && todo.length > 0 && todo.every((rest) => rest === "")) return ERRNO.isdir;
    const seen = options.look([...done, part]);
    if (seen.is === "link" && (todo.length > 0 || options.follow)) {
      if (++links > LINKS_MAX) return ERRNO.loop;
      if (seen.target === "") return ERRNO.noent;
      if (seen.target.startsWith("/")) return ERRNO.perm;
      todo.push(...seen.target.split("/").reverse());
      continue;
    }
    done.push(part);
    kind = seen;
  }
  return { parts: done, kind, mustBeDirectory };
}

/** The last name of a path, and the way to it. */
export interface Split {
  /** The way to the directory of the last name; empty for the root itself. */
  readonly parent: string;
  /** The last name without slashes; may be `.` or `..`. */
  readonly name: string;
  /** True if slashes follow the name: it must be a directory. */
  readonly slash: boolean;
}

/** Takes the last name off a path; an errno for an empty (`noent`) or absolute (`perm`) one. */
export function splitLast(path: string): Split | number {
  if (path === "") return ERRNO.noent;
  if (path.startsWith("/")) return ERRNO.perm;
  let end = path.length;
  while (path[end - 1] === "/") end--;
  const start = path.lastIndexOf("/", end - 1) + 1;
  return {
    parent: path.slice(0, start),
    name: path.slice(start, end),
    slash: end < path.length,
  };
}
