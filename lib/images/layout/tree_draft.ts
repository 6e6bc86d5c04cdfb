/**
 * A tree while its layers are laid over one another: names only, no disk.
 *
 * It is what decides where a file goes. No link is on any way to a file, so whoever follows its word
 * on a disk never leaves the folder that the tree is made in.
 *
 * @module
 */
import { foldedName } from "../../windows_names.ts";
import { clean, PullFailure } from "../oci/failure.ts";
import {
  ENTRIES_MAX,
  FILE_BYTES_MAX,
  LINKS_MAX,
  PATH_BYTES_MAX,
  TREE_BYTES_MAX,
} from "./limits.ts";
import { containedTarget, hasOver } from "./tree_paths.ts";
import type { TreeEntry } from "./tree_index.ts";

/** A file's content, as far as a tree knows it. */
export interface FileContent {
  readonly size: number;
  readonly digest: string;
  readonly wasm: boolean;
}

interface Folder {
  readonly kind: "folder";
  layer: number;
  /** The layer that has hidden what the layers below had in here: there is nothing more to hide. */
  hiddenBy: number;
  readonly children: Map<string, Node>;
  /** Exact names by their folded form. */
  readonly folded: Map<string, string>;
}

type Node = Folder | { readonly kind: "link"; layer: number; readonly target: string } | {
  readonly kind: "file";
  layer: number;
  content: FileContent | undefined;
};

/** What is to be done on the disk: first removals, then folders to make, outer before inner. */
export interface Changes {
  readonly remove: readonly string[];
  readonly make: readonly string[];
}

/** What a tree may have at most, all layers together. */
export interface TreeLimits {
  /** Files, folders and links, and what hides them. */
  readonly entries: number;
  /** Links of both kinds. */
  readonly links: number;
  /** Bytes of all files, those of replaced ones and of hard links too. */
  readonly bytes: number;
}

const LIMITS: TreeLimits = { entries: ENTRIES_MAX, links: LINKS_MAX, bytes: TREE_BYTES_MAX };

/** Laid over one another, the layers' entries. Paths are lists of names from the root on. */
export class TreeDraft {
  readonly #root: Folder = newFolder(0);
  readonly #limits: TreeLimits;
  #layer = 0;
  #entries = 0;
  #links = 0;
  #bytes = 0;

  /** An empty tree. @param limits Smaller ones, for tests. */
  constructor(limits: TreeLimits = LIMITS) {
    this.#limits = limits;
  }

  /** The next layer begins: whiteouts of it hide what is below only. */
  nextLayer(): void {
    this.#layer++;
  }

  /** A folder at this path; a folder that is there already stays with all that is in it. */
  folder(path: readonly string[]): Changes {
    this.#countEntry(path);
    if (path.length === 0) return { remove: [], make: [] };
    const { parent, made } = this.#parent(path);
    const name = path.at(-1)!;
    const there = parent.children.get(name);
    if (there?.kind === "folder") {
      there.layer = this.#layer;
      return { remove: [], make: made };
    }
    this.#set(parent, path, newFolder(this.#layer));
    return { remove: there === undefined ? [] : [join(path)], make: [...made, join(path)] };
  }

  /** A file at this path, of which {@linkcode content} is told later. What was there is replaced. */
  file(path: readonly string[], size: number): Changes {
    this.#countEntry(path);
    this.#countBytes(path, size);
    return this.#put(path, { kind: "file", layer: this.#layer, content: undefined });
  }

  /** What the file is that was just made. */
  content(path: readonly string[], content: FileContent): void {
    const node = this.#find(path);
    if (node?.kind === "file") node.content = content;
  }

  /** A symbolic link at this path, and what it is to hold. */
  symbolicLink(path: readonly string[], target: string): Changes & { readonly target: string } {
    this.#countEntry(path);
    this.#countLink(path);
    if (target === "" || target.includes("\0")) {
      refuse(path, "it is a link to nothing; leave it out");
    }
    const contained = containedTarget(path.slice(0, -1), target);
    if (hasOver(contained, PATH_BYTES_MAX)) {
      refuse(path, `it is a link to a path of over ${PATH_BYTES_MAX} bytes; shorten it`);
    }
    const changes = this.#put(path, { kind: "link", layer: this.#layer, target: contained });
    return { ...changes, target: contained };
  }

  /**
   * Another name for a file that is there already. A link to a symbolic link is one with the same
   * target; `target` is then what it holds.
   */
  hardLink(path: readonly string[], to: readonly string[]): Changes & { readonly target?: string } {
    const node = this.#find(to);
    if (`${join(to)}/`.startsWith(`${join(path)}/`)) {
      refuse(path, "it is a hard link to itself, or into itself; leave it out");
    }
    if (node === undefined || node.kind === "folder") {
      refuse(
        path,
        `it is a hard link to "${clean(join(to))}", which is no file of the image; pack that too`,
      );
    }
    if (node.kind === "link") {
      const target = containedTarget([], `/${join(to.slice(0, -1))}/${node.target}`);
      return this.symbolicLink(path, `/${target}`);
    }
    this.#countEntry(path);
    this.#countLink(path);
    this.#countBytes(path, node.content?.size ?? 0);
    return this.#put(path, { ...node, layer: this.#layer });
  }

  /** Hides what the layers below have at this path. */
  whiteout(path: readonly string[]): Changes {
    this.#countEntry(path);
    const parent = this.#find(path.slice(0, -1));
    const node = parent?.kind === "folder" ? parent.children.get(path.at(-1)!) : undefined;
    if (parent?.kind !== "folder" || node === undefined) return { remove: [], make: [] };
    return { remove: this.#hideBelow(parent, { path, node }), make: [] };
  }

  /** Hides all that the layers below have in this folder. */
  opaque(path: readonly string[]): Changes {
    this.#countEntry(path);
    const folder = this.#find(path);
    if (folder?.kind !== "folder") return { remove: [], make: [] };
    return { remove: this.#hideChildren(folder, path), make: [] };
  }

  /** An entry that leaves the tree as it is: it counts, as it costs time. */
  pass(path: readonly string[]): void {
    this.#countEntry(path);
  }

  /** All that is in the tree, folders before what is in them. */
  *entries(): Generator<TreeEntry> {
    yield* entriesOf(this.#root, "");
  }

  #put(path: readonly string[], node: Node): Changes {
    if (path.length === 0) refuse(path, "it takes the place of the root; leave it out");
    const { parent, made } = this.#parent(path);
    const there = parent.children.has(path.at(-1)!);
    this.#set(parent, path, node);
    return { remove: there ? [join(path)] : [], make: made };
  }

  #set(parent: Folder, path: readonly string[], node: Node): void {
    const name = path.at(-1)!;
    const folded = foldedName(name);
    const other = parent.folded.get(folded);
    if (other !== undefined && other !== name) {
      refuse(
        path,
        `its name differs from that of "${
          clean(other)
        }" in case only, so that they would be one file ` +
          `on other nodes; rename one of them`,
      );
    }
    parent.children.set(name, node);
    parent.folded.set(folded, name);
  }

  /** The folder that a path lies in, with those that had to be made for it. */
  #parent(path: readonly string[]): { parent: Folder; made: string[] } {
    let parent = this.#root;
    const made: string[] = [];
    for (let depth = 1; depth < path.length; depth++) {
      const here = path.slice(0, depth);
      let next = parent.children.get(here.at(-1)!);
      if (next === undefined) {
        next = newFolder(this.#layer);
        this.#set(parent, here, next);
        made.push(join(here));
        this.#countEntry(here);
      }
      if (next.kind !== "folder") {
        const what = next.kind === "file" ? "a file" : "a symbolic link";
        refuse(
          path,
          `"${clean(join(here))}" is ${what}, and not a folder; pack it by its real path`,
        );
      }
      parent = next;
    }
    return { parent, made };
  }

  #find(path: readonly string[]): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const name of path) {
      node = node?.kind === "folder" ? node.children.get(name) : undefined;
    }
    return node;
  }

  #hideBelow(parent: Folder, { path, node }: { path: readonly string[]; node: Node }): string[] {
    if (node.layer < this.#layer && !(node.kind === "folder" && this.#hasNew(node))) {
      parent.children.delete(path.at(-1)!);
      parent.folded.delete(foldedName(path.at(-1)!));
      return [join(path)];
    }
    return node.kind === "folder" ? this.#hideChildren(node, path) : [];
  }

  #hideChildren(folder: Folder, path: readonly string[]): string[] {
    // Else an archive full of whiteouts for one large folder would take hours.
    if (folder.hiddenBy === this.#layer) return [];
    folder.hiddenBy = this.#layer;
    return [...folder.children].flatMap(([name, node]) =>
      this.#hideBelow(folder, { path: [...path, name], node })
    );
  }

  /** True if this layer has put something into an older folder. */
  #hasNew(folder: Folder): boolean {
    for (const node of folder.children.values()) {
      if (node.layer === this.#layer || (node.kind === "folder" && this.#hasNew(node))) return true;
    }
    return false;
  }

  #countEntry(path: readonly string[]): void {
    const { entries } = this.#limits;
    if (++this.#entries > entries) {
      refuse(
        path,
        `the image has more than ${entries} files, folders and links; leave some out`,
      );
    }
  }

  #countLink(path: readonly string[]): void {
    const { links } = this.#limits;
    if (++this.#links > links) {
      refuse(path, `the image has more than ${links} links; leave some out`);
    }
  }

  #countBytes(path: readonly string[], bytes: number): void {
    if (bytes > FILE_BYTES_MAX) {
      refuse(path, `it has ${bytes} bytes, more than ${FILE_BYTES_MAX}; make it smaller`);
    }
    this.#bytes += bytes;
    if (this.#bytes > this.#limits.bytes) {
      refuse(path, `the image's files have more than ${this.#limits.bytes} bytes; leave some out`);
    }
  }
}

function* entriesOf(folder: Folder, prefix: string): Generator<TreeEntry> {
  for (const [name, node] of folder.children) {
    const path = `${prefix}${name}`;
    if (node.kind === "link") yield { kind: "link", path, target: node.target };
    else if (node.kind === "folder") {
      yield { kind: "folder", path };
      yield* entriesOf(node, `${path}/`);
    } else if (node.content !== undefined) {
      const { size, digest, wasm } = node.content;
      yield { kind: "file", path, size, digest, ...(wasm ? { wasm } : {}) };
    }
  }
}

function newFolder(layer: number): Folder {
  return { kind: "folder", layer, hiddenBy: 0, children: new Map(), folded: new Map() };
}

function join(path: readonly string[]): string {
  return path.join("/");
}

function refuse(path: readonly string[], state: string): never {
  throw new PullFailure(`its file "/${clean(join(path))}" cannot be unpacked: ${state}`);
}
