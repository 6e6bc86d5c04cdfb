/**
 * What one entry of an archive does to a tree: decided here, done by whoever has a disk.
 *
 * @module
 */
import { treePath } from "./tree_paths.ts";
import type { TarBody, TarEntry } from "./tar/reader.ts";
import type { Changes, TreeDraft } from "./tree_draft.ts";

/**
 * Work for a disk: first the changes, and then the thing itself, if there is one. A link holds its
 * target as it is told here; a hard link is a second name for what lies at `to`.
 */
export type Deed =
  & { readonly changes: Changes }
  & (
    | { readonly kind: "folders" }
    | {
      readonly kind: "file";
      readonly path: readonly string[];
      readonly size: number;
      readonly body: TarBody;
    }
    | { readonly kind: "symbolic_link"; readonly path: readonly string[]; readonly target: string }
    | {
      readonly kind: "hard_link";
      readonly path: readonly string[];
      readonly to: readonly string[];
    }
  );

/** In front of a name in an archive: the layers below have such a file no more. */
const WHITEOUT = ".wh.";
/** In front of what is meant for the archiver itself. */
const META = ".wh..wh.";
/** The layers below have nothing in this folder any more. */
const OPAQUE = ".wh..wh..opq";

/**
 * Lays an entry over the draft. Whiteouts are those of the OCI image specification ("Image Layer
 * Filesystem Changeset").
 *
 * Throws a `PullFailure` for an entry that no tree may have.
 */
export function layEntry(draft: TreeDraft, entry: TarEntry): Deed {
  const path = treePath(entry.path);
  const name = path.at(-1) ?? "";
  const folder = path.slice(0, -1);
  if (name === OPAQUE) return { kind: "folders", changes: draft.opaque(folder) };
  if (path.some((name) => name.startsWith(META))) return passed(draft, path);
  if (name.startsWith(WHITEOUT)) {
    const hidden = treePath(name.slice(WHITEOUT.length));
    if (hidden.length === 0) return passed(draft, path);
    return { kind: "folders", changes: draft.whiteout([...folder, ...hidden]) };
  }
  switch (entry.kind) {
    case "folder":
      return { kind: "folders", changes: draft.folder(path) };
    case "file": {
      const { size, body } = entry;
      return { kind: "file", path, size, body, changes: draft.file(path, size) };
    }
    case "symbolic_link":
      return linked(path, draft.symbolicLink(path, entry.target));
    case "hard_link": {
      const to = treePath(entry.target);
      const { target, ...changes } = draft.hardLink(path, to);
      if (target !== undefined) return linked(path, { ...changes, target });
      return { kind: "hard_link", path, to, changes };
    }
  }
}

function linked(
  path: readonly string[],
  { target, ...changes }: Changes & { readonly target: string },
): Deed {
  return { kind: "symbolic_link", path, target, changes };
}

function passed(draft: TreeDraft, path: readonly string[]): Deed {
  draft.pass(path);
  return { kind: "folders", changes: { remove: [], make: [] } };
}
