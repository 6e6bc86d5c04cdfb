import assert from "node:assert/strict";
import { PullFailure } from "../oci/failure.ts";
import { type Deed, layEntry } from "./lay_entry.ts";
import type { TarEntry } from "./tar/reader.ts";
import { TreeDraft } from "./tree_draft.ts";

const folder = (path: string): TarEntry => ({ kind: "folder", path });
const link = (path: string, target: string): TarEntry => ({ kind: "symbolic_link", path, target });
const NOTHING: Deed = { kind: "folders", changes: { remove: [], make: [] } };

Deno.test("layEntry() decides what is done on a disk", () => {
  const draft = new TreeDraft();
  draft.nextLayer();
  assert.deepEqual(layEntry(draft, folder("/d/e/")), {
    kind: "folders",
    changes: { remove: [], make: ["d", "d/e"] },
  });
  assert.deepEqual(layEntry(draft, link("d/l", "/../x")), {
    kind: "symbolic_link",
    path: ["d", "l"],
    target: "../x",
    changes: { remove: [], make: [] },
  });
  assert.deepEqual(layEntry(draft, { kind: "hard_link", path: "h", target: "./d/l" }), {
    kind: "symbolic_link",
    path: ["h"],
    target: "x",
    changes: { remove: [], make: [] },
  });
  draft.nextLayer();
  assert.deepEqual(layEntry(draft, folder("d/.wh.l")), {
    kind: "folders",
    changes: { remove: ["d/l"], make: [] },
  });
  assert.deepEqual(layEntry(draft, folder("d/.wh..wh..opq")), {
    kind: "folders",
    changes: { remove: ["d/e"], make: [] },
  });
});

Deno.test("layEntry() counts the entries that it makes nothing of", () => {
  for (const path of [".wh..wh.plnk/x", ".wh.", "d/.wh..", ".wh.never", "no/.wh..wh..opq"]) {
    const draft = new TreeDraft({ entries: 1, links: 0, bytes: 0 });
    draft.nextLayer();
    assert.deepEqual(layEntry(draft, folder(path)), NOTHING, path);
    assert.throws(() => layEntry(draft, folder(path)), PullFailure, path);
  }
});

Deno.test("layEntry() refuses a whiteout of what is above", () => {
  assert.throws(() => layEntry(new TreeDraft(), folder("d/.wh...")), /its path holds "\.\."/);
});
