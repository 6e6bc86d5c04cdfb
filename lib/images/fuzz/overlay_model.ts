/**
 * What layers come to, said in another way than the program does it: of each layer first all that
 * hides, on what is below; then all that is new. For tests only.
 *
 * @module
 */
import type { Thing } from "./things.ts";

/** An entry of an archive that was taken. */
export type Taken =
  & { readonly path: string }
  & (
    | { readonly kind: "folder" }
    | { readonly kind: "file"; readonly content: string }
    | { readonly kind: "hard_link" | "symbolic_link"; readonly target: string }
  );

const OPAQUE = ".wh..wh..opq";
const WHITEOUT = ".wh.";

/** The things that are there when all layers are laid over one another, lowest first. */
export function overlay(layers: readonly (readonly Taken[])[]): Map<string, Thing> {
  let below = new Map<string, Thing>();
  for (const layer of layers) {
    const now = new Map(below);
    for (const { path } of layer) hide(now, path);
    for (const entry of layer) add(entry, { now, below });
    below = now;
  }
  return below;
}

function hide(now: Map<string, Thing>, path: string): void {
  const names = namesOf(path);
  const name = names.pop() ?? "";
  const folder = names.length === 0 ? "" : `${names.join("/")}/`;
  if (name === OPAQUE) removeBelow(now, folder);
  else if (isHiding(path) && !isMeta([...names, name])) {
    const hidden = name.slice(WHITEOUT.length);
    if (hidden !== "" && hidden !== ".") remove(now, `${folder}${hidden}`);
  }
}

function add(
  entry: Taken,
  { now, below }: { readonly now: Map<string, Thing>; readonly below: Map<string, Thing> },
): void {
  const names = namesOf(entry.path);
  if (isHiding(entry.path) || isMeta(names) || names.length === 0) return;
  for (let depth = 1; depth < names.length; depth++) {
    const above = names.slice(0, depth).join("/");
    if (!now.has(above)) now.set(above, { kind: "folder" });
  }
  const path = names.join("/");
  if (entry.kind === "folder" && now.get(path)?.kind === "folder") return;
  const thing = thingOf(entry, { names, now, below });
  remove(now, path);
  now.set(path, thing);
}

function thingOf(
  entry: Taken,
  { names, now, below }: {
    readonly names: readonly string[];
    readonly now: Map<string, Thing>;
    readonly below: Map<string, Thing>;
  },
): Thing {
  switch (entry.kind) {
    case "folder":
      return { kind: "folder" };
    case "file":
      return { kind: "file", content: entry.content };
    case "hard_link": {
      const to = namesOf(entry.target).join("/");
      // A whiteout behind the link was carried out before it here.
      return now.get(to) ?? below.get(to) ?? { kind: "folder" };
    }
    case "symbolic_link":
      return { kind: "link", to: clamped(names.slice(0, -1), entry.target) };
  }
}

/** Where a link leads to in a root folder, whose `..` is itself. */
function clamped(at: readonly string[], target: string): string {
  const names = target.startsWith("/") ? [] : [...at];
  for (const name of namesOf(target)) {
    if (name === "..") names.pop();
    else names.push(name);
  }
  return names.join("/");
}

function namesOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}

function isHiding(path: string): boolean {
  return namesOf(path).at(-1)?.startsWith(WHITEOUT) === true;
}

function isMeta(names: readonly string[]): boolean {
  return names.some((name) => name.startsWith(".wh..wh."));
}

function remove(things: Map<string, Thing>, path: string): void {
  things.delete(path);
  removeBelow(things, `${path}/`);
}

function removeBelow(things: Map<string, Thing>, prefix: string): void {
  for (const path of things.keys()) if (path.startsWith(prefix)) things.delete(path);
}
