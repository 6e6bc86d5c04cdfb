/**
 * What is in a tree, by paths from the root on. For tests only.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { TreeEntry } from "../layout/tree_index.ts";

/** Something in a tree: `to` is where a link leads to from the root on, if nothing on its way is a link. */
export type Thing =
  | { readonly kind: "folder" }
  | { readonly kind: "file"; readonly content: string }
  | { readonly kind: "link"; readonly to: string };

/** Where a path leads to from a folder on, no link followed; undefined if it climbs over the root. */
export function place(at: readonly string[], path: string): string | undefined {
  const names = path.startsWith("/") ? [] : [...at];
  for (const name of path.split("/")) {
    if (name === "..") {
      if (names.pop() === undefined) return undefined;
    } else if (name !== "" && name !== ".") names.push(name);
  }
  return names.join("/");
}

/** An index as things; of a file it knows the digest only. */
export function thingsOf(entries: readonly TreeEntry[]): Map<string, Thing> {
  return new Map(entries.map((entry): [string, Thing] => {
    if (entry.kind === "folder") return [entry.path, { kind: "folder" }];
    if (entry.kind === "file") return [entry.path, { kind: "file", content: entry.digest }];
    const to = place(entry.path.split("/").slice(0, -1), entry.target);
    return [entry.path, { kind: "link", to: to ?? "outside" }];
  }));
}

/** Fails unless both hold the same. */
export function assertSame(
  one: ReadonlyMap<string, Thing>,
  other: ReadonlyMap<string, Thing>,
): void {
  const same = one.size === other.size &&
    [...one].every(([path, thing]) => text(thing) === text(other.get(path)));
  if (!same) assert.deepEqual([...one].sort(), [...other].sort());
}

function text(thing: Thing | undefined): string {
  switch (thing?.kind) {
    case "file":
      return `file ${thing.content}`;
    case "link":
      return `link ${thing.to}`;
    default:
      return String(thing?.kind);
  }
}

/** A character for each byte, as the content of things has it. */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at++) text += String.fromCharCode(bytes[at]!);
  return text;
}

/** What is in a folder of this machine; links are looked at, never followed. */
export async function thingsIn(root: string, under = ""): Promise<Map<string, Thing>> {
  const things = new Map<string, Thing>();
  for await (const { name, isDirectory, isSymlink } of Deno.readDir(join(root, under))) {
    const path = under === "" ? name : `${under}/${name}`;
    const at = `${root}/${path}`;
    if (isSymlink) {
      const to = place(path.split("/").slice(0, -1), await Deno.readLink(at));
      things.set(path, { kind: "link", to: to ?? "outside" });
    } else if (isDirectory) {
      things.set(path, { kind: "folder" });
      for (const [below, thing] of await thingsIn(root, path)) things.set(below, thing);
    } else things.set(path, { kind: "file", content: latin1(await Deno.readFile(at)) });
  }
  return things;
}
