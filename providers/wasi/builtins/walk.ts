import { Trouble } from "./call.ts";
import { type View, ViewError, type ViewStat } from "../../../wasi/mod.ts";

/** Entries of one folder that are held at once, to sort them: some tens of MiB. */
export const LIST_ENTRIES_MAX = 200_000;

/** Something in a tree. */
export interface Visit {
  readonly path: string;
  /** What stands there; a link is not followed, unless the tree begins with it. */
  readonly stat: ViewStat;
  /** 0 where the walk began. */
  readonly depth: number;
  /** `leave`: a folder, once all in it was visited. */
  readonly when: "enter" | "leave";
}

/** How {@linkcode walk} goes. */
export interface WalkOptions {
  /** Follows a link where the walk begins. @default false */
  readonly follow?: boolean;
  /** Hears of what could not be looked at; the walk goes on. */
  readonly onError: (path: string, error: ViewError | Trouble) => Promise<void>;
  /** Goes no deeper. @default {no bound} */
  readonly depthMax?: number;
}

/**
 * Visits a tree, by name: a folder first, then what is in it, then the folder once more. It follows no link
 * on its way, and needs no stack of its own for a tree that is deep: its depth ends where paths do.
 */
export async function* walk(
  view: View,
  start: string,
  { follow = false, onError, depthMax = Infinity }: WalkOptions,
): AsyncGenerator<Visit, void> {
  const todo: (Visit | { readonly path: string; readonly depth: number })[] = [
    { path: start, depth: 0 },
  ];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    if ("stat" in next) {
      yield next;
      continue;
    }
    const { path, depth } = next;
    try {
      const stat = view.stat(path, { follow: follow && depth === 0 });
      yield { path, stat, depth, when: "enter" };
      if (stat.kind !== "folder") continue;
      todo.push({ path, stat, depth, when: "leave" });
      if (depth >= depthMax) continue;
      const names = namesIn(view, path).reverse();
      for (const name of names) todo.push({ path: inside(path, name), depth: depth + 1 });
    } catch (error) {
      if (!(error instanceof ViewError || error instanceof Trouble)) throw error;
      await onError(path, error);
    }
  }
}

/** The names in a folder, sorted; throws {@linkcode Trouble} for more than can be held. */
export function namesIn(view: View, path: string): string[] {
  const names: string[] = [];
  for (const { name } of view.list(path)) {
    if (names.length === LIST_ENTRIES_MAX) {
      throw new Trouble(`it has more than ${LIST_ENTRIES_MAX} entries`);
    }
    names.push(name);
  }
  return names.sort();
}

/** The path of a name in a folder. */
export function inside(folder: string, name: string): string {
  return folder.endsWith("/") ? `${folder}${name}` : `${folder}/${name}`;
}

/** The last name of a path; `/` of the root. */
export function nameOf(path: string): string {
  const trimmed = path.replace(/\/+$/, "");
  return trimmed === "" ? "/" : trimmed.slice(trimmed.lastIndexOf("/") + 1);
}

/** What stands at a path, or nothing. Throws for any other reason than that there is nothing. */
export function look(
  view: View,
  path: string,
  options: { readonly follow?: boolean } = {},
): ViewStat | undefined {
  try {
    return view.stat(path, options);
  } catch (error) {
    if (error instanceof ViewError && (error.errno === "noent" || error.errno === "notdir")) {
      return undefined;
    }
    throw error;
  }
}

/** The file or folder that a path leads to, as text that is the same for the same one. */
export function identity({ device, inode }: ViewStat): string {
  return `${device}:${inode}`;
}
