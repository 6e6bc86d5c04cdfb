/**
 * A disk in memory that does what it is told, and says when that was wrong. For tests only.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Deed } from "../layout/lay_entry.ts";
import { DEPTH_MAX, NAME_BYTES_MAX, PATH_BYTES_MAX } from "../layout/limits.ts";
import type { TreeLimits } from "../layout/tree_draft.ts";
import { latin1, place, type Thing } from "./things.ts";

/** A folder of a machine, by paths from it on. What would be done outside of it fails. */
export class FakeDisk {
  readonly things = new Map<string, Thing>();
  readonly #limits: TreeLimits;
  #bytes = 0;
  #links = 0;

  constructor(limits: TreeLimits) {
    this.#limits = limits;
  }

  /** Does what was decided. Answers the content of a file. */
  async do(deed: Deed): Promise<string | undefined> {
    for (const path of deed.changes.remove) this.#remove(path);
    for (const path of deed.changes.make) this.#put(path, { kind: "folder" });
    let content: string | undefined;
    switch (deed.kind) {
      case "file":
        content = await contentOf(deed);
        this.#put(deed.path.join("/"), { kind: "file", content });
        break;
      case "symbolic_link":
        this.#link(deed.path, deed.target);
        break;
      case "hard_link": {
        const thing = this.things.get(deed.to.join("/"));
        assert.equal(thing?.kind, "file", "a hard link to no file");
        this.#put(deed.path.join("/"), thing!);
        this.#links++;
      }
    }
    this.#checkLimits();
    return content;
  }

  #remove(path: string): void {
    this.#checkPath(path);
    assert.ok(this.things.delete(path), `"${path}" is removed and was not there`);
    for (const other of this.things.keys()) {
      if (other.startsWith(`${path}/`)) this.things.delete(other);
    }
  }

  #put(path: string, thing: Thing): void {
    this.#checkPath(path);
    assert.ok(!this.things.has(path), `"${path}" is made and was there`);
    this.things.set(path, thing);
    if (thing.kind === "file") this.#bytes += thing.content.length;
  }

  #link(path: readonly string[], target: string): void {
    assert.ok(target !== "" && !target.startsWith("/"), `a link to "${target}"`);
    assert.ok(byteLength(target) <= PATH_BYTES_MAX, `a link with ${target.length} characters`);
    const to = place(path.slice(0, -1), target);
    assert.ok(to !== undefined, `"${path.join("/")}" leads out by "${target}"`);
    this.#put(path.join("/"), { kind: "link", to });
    this.#links++;
  }

  /** It is below the root, its names are names, and only folders are on the way to it. */
  #checkPath(path: string): void {
    const names = path.split("/");
    assert.ok(names.length <= DEPTH_MAX && byteLength(path) <= PATH_BYTES_MAX, path);
    let above = "";
    for (const name of names) {
      assert.ok(name !== "" && name !== "." && name !== ".." && !name.includes("\0"), path);
      assert.ok(byteLength(name) <= NAME_BYTES_MAX, path);
      if (above !== "") assert.equal(this.things.get(above)?.kind, "folder", `${path}: no folder`);
      above = above === "" ? name : `${above}/${name}`;
    }
  }

  #checkLimits(): void {
    const { entries, links, bytes } = this.#limits;
    assert.ok(this.things.size <= entries, "more entries than the limit");
    assert.ok(this.#links <= links, "more links than the limit");
    assert.ok(this.#bytes <= bytes, "more bytes than the limit");
  }
}

async function contentOf({ size, body }: Deed & { kind: "file" }): Promise<string> {
  let content = "";
  for await (const piece of body) {
    content += latin1(piece);
    assert.ok(content.length <= size, "a file grew beyond its size");
  }
  assert.equal(content.length, size);
  return content;
}

const encoder = new TextEncoder();

function byteLength(text: string): number {
  return encoder.encode(text).length;
}
