/**
 * A file system in memory with a box in it, full of links, and a plain account of where a path leads
 * in it. For tests only.
 *
 * @module
 */
import { ERRNO } from "../errno.ts";
import { LINKS_MAX } from "../limits.ts";
import type { Kind } from "../paths.ts";
import type { Random } from "./random.ts";

/** A directory, a link or a file. */
export interface Node {
  readonly parent: Node | undefined;
  readonly name: string;
  readonly entries?: Map<string, Node>;
  readonly target?: string;
}

/** What a world is made of. */
export const NAMES = ["a", "b", "c", "d", "e"] as const;
const PARTS = [...NAMES, ...NAMES, "..", "..", ".", "", "secret", "box", "gone"] as const;
const DEPTH_MAX = 4;

/** A root with a secret and, two levels below, a box; both full of links to everywhere. */
export function makeWorld(random: Random): { readonly root: Node; readonly box: Node } {
  const root = makeDirectory(undefined, "");
  const outer = addDirectory(root, "outer");
  add(outer, { name: "secret" });
  const box = addDirectory(outer, "box");
  fill(random, outer, 1);
  fill(random, box, DEPTH_MAX);
  return { root, box };
}

/** A path of up to 10 parts: names, dots, and now and then from the top. */
export function makePath(random: Random): string {
  const parts = Array.from({ length: 1 + random.below(10) }, () => random.of(PARTS));
  return random.below(20) === 0 ? `/${parts.join("/")}` : parts.join("/");
}

/** Where a path from the box leads by the rules of POSIX: a node, or `missing` behind a directory. */
export type Found = { readonly node: Node } | { readonly missing: string; readonly in: Node };

/** Follows a path, and says with an errno why it ends early: `perm` the moment it leaves the box. */
export function follow(
  { root, box }: { root: Node; box: Node },
  path: string,
  { last }: { last: boolean },
): Found | number {
  if (path === "") return ERRNO.noent;
  const todo = path.split("/");
  let at: Found = { node: box };
  if (path.startsWith("/")) return ERRNO.perm;
  let links = 0;
  while (todo.length > 0) {
    const part = todo.shift()!;
    if ("missing" in at) {
      if (part === "") continue; // slashes at the end of something new
      return ERRNO.noent;
    }
    const { node }: { node: Node } = at;
    if (node.entries === undefined) return ERRNO.notdir;
    if (part === "" || part === ".") continue;
    if (part === "..") {
      at = { node: node.parent ?? root };
      if (node === box) return ERRNO.perm;
      continue;
    }
    const next = node.entries.get(part);
    if (next === undefined) at = { missing: part, in: node };
    else if (next.target !== undefined && (todo.length > 0 || last)) {
      if (++links > LINKS_MAX) return ERRNO.loop;
      if (next.target === "") return ERRNO.noent;
      if (next.target.startsWith("/")) return ERRNO.perm;
      todo.unshift(...next.target.split("/"));
    } else at = { node: next };
  }
  return at;
}

/** The node at these parts below the box, by names alone. */
export function nodeAt(box: Node, parts: readonly string[]): Node | undefined {
  return parts.reduce<Node | undefined>((node, part) => node?.entries?.get(part), box);
}

/** What stands there. */
export function kindAt(box: Node, parts: readonly string[]): Kind {
  const node = nodeAt(box, parts);
  if (node === undefined) return { is: "missing" };
  if (node.target !== undefined) return { is: "link", target: node.target };
  return { is: node.entries === undefined ? "other" : "directory" };
}

function fill(random: Random, directory: Node, depth: number): void {
  for (const name of NAMES) {
    const kind = random.below(5);
    if (kind === 0) add(directory, { name });
    if (kind === 1 || kind === 2) add(directory, { name, target: makePath(random) });
    if (kind === 3 && depth > 0) fill(random, addDirectory(directory, name), depth - 1);
  }
}

function makeDirectory(parent: Node | undefined, name: string): Node {
  return { parent, name, entries: new Map() };
}

function addDirectory(parent: Node, name: string): Node {
  const directory = makeDirectory(parent, name);
  parent.entries!.set(name, directory);
  return directory;
}

function add(parent: Node, node: { readonly name: string; readonly target?: string }): void {
  parent.entries!.set(node.name, { parent, ...node });
}
