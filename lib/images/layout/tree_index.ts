/**
 * What an image's tree holds, without its bytes.
 *
 * @module
 */
import { isDigest } from "../oci/reference.ts";
import { LINKS_FOLLOWED_MAX } from "./limits.ts";

/** One thing in a tree. Paths have no `/` in front; the root itself is no entry. */
export type TreeEntry =
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  | TreeFile;

/** A file in a tree. */
export interface TreeFile {
  readonly kind: "file";
  readonly path: string;
  readonly size: number;
  readonly digest: string;
  /** It begins as a Wasm binary does. */
  readonly wasm?: true;
}

/** The entries of a tree, folders before what is in them. Looking things up touches no disk. */
export class TreeIndex {
  readonly entries: readonly TreeEntry[];
  readonly #byPath: ReadonlyMap<string, TreeEntry>;

  constructor(entries: readonly TreeEntry[]) {
    this.entries = entries;
    this.#byPath = new Map(entries.map((entry) => [entry.path, entry]));
  }

  /** Bytes of all files. */
  get bytes(): number {
    return this.entries.reduce((sum, entry) => sum + (entry.kind === "file" ? entry.size : 0), 0);
  }

  /** All files that begin as Wasm does. */
  get modules(): TreeFile[] {
    return this.entries.filter((entry): entry is TreeFile =>
      entry.kind === "file" && entry.wasm === true
    );
  }

  /**
   * What a path from the root leads to, links followed as a guest in this root follows them: `undefined`
   * if nothing is there, or the links lead in a circle. The root itself is a folder without a name.
   */
  resolve(path: string): Exclude<TreeEntry, { kind: "link" }> | undefined {
    const place = this.#walk(path, { real: true });
    if (place === undefined) return undefined;
    const found = place === "" ? ROOT : this.#byPath.get(place);
    return found?.kind === "link" ? undefined : found;
  }

  /**
   * Where something at this path from the root on really lies, or would lie: links on the way followed,
   * also the last. `undefined` if a file is in the way, or the links lead in a circle.
   */
  place(path: string): string | undefined {
    return this.#walk(path, { real: false });
  }

  /** True if this path is a folder, and no link is on the way. */
  hasFolder(path: string): boolean {
    return path === "" || this.#byPath.get(path)?.kind === "folder";
  }

  /** With `real`, there is no way up out of a folder that is not there. */
  #walk(path: string, { real }: { readonly real: boolean }): string | undefined {
    const rest = path.split("/").reverse();
    const at: string[] = [];
    let followed = 0;
    while (rest.length > 0) {
      const name = rest.pop()!;
      if (name === "" || name === ".") continue;
      const here = at.length === 0 ? ROOT : this.#byPath.get(at.join("/"));
      if (here?.kind === "file" || (real && here === undefined)) return undefined;
      if (name === "..") {
        at.pop();
        continue;
      }
      const entry = this.#byPath.get([...at, name].join("/"));
      if (entry?.kind !== "link") at.push(name);
      else {
        if (++followed > LINKS_FOLLOWED_MAX) return undefined;
        if (entry.target.startsWith("/")) at.length = 0;
        rest.push(...entry.target.split("/").reverse());
      }
    }
    return at.join("/");
  }
}

const ROOT = { kind: "folder", path: "" } as const;

/** Reads what {@linkcode formatTreeIndex} wrote; undefined for a text that is torn or strange. */
export function parseTreeIndex(text: string): TreeIndex | undefined {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return undefined;
  }
  const entries = isObject(body) && body["version"] === 1 ? body["entries"] : undefined;
  return Array.isArray(entries) && entries.every(isEntry) ? new TreeIndex(entries) : undefined;
}

/** The index as text. */
export function formatTreeIndex({ entries }: TreeIndex): string {
  return JSON.stringify({ version: 1, entries });
}

function isEntry(value: unknown): value is TreeEntry {
  if (!isObject(value) || typeof value["path"] !== "string") return false;
  const { kind, target, size, digest } = value;
  if (kind === "file") {
    return Number.isSafeInteger(size) && typeof digest === "string" && isDigest(digest);
  }
  return kind === "folder" || (kind === "link" && typeof target === "string");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
