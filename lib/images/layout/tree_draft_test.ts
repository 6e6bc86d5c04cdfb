import assert from "node:assert/strict";
import { PullFailure } from "../oci/failure.ts";
import {
  ENTRIES_MAX,
  FILE_BYTES_MAX,
  LINKS_MAX,
  PATH_BYTES_MAX,
  TREE_BYTES_MAX,
} from "./limits.ts";
import { TreeDraft } from "./tree_draft.ts";

const refused = (work: () => void, message: RegExp): void =>
  assert.throws(work, (error) => error instanceof PullFailure && message.test(error.message));

Deno.test("TreeDraft counts entries, also those that replace another one", () => {
  const draft = new TreeDraft();
  for (let i = 0; i < ENTRIES_MAX; i++) draft.folder(["d"]);
  refused(() => draft.whiteout(["d"]), /more than 200000 files, folders and links/);
});

Deno.test("TreeDraft counts links of both kinds", () => {
  const draft = new TreeDraft();
  draft.file(["f"], 0);
  for (let i = 0; i < LINKS_MAX / 2; i++) {
    draft.symbolicLink(["l"], "f");
    draft.hardLink(["h"], ["f"]);
  }
  refused(() => draft.hardLink(["h"], ["f"]), /more than 20000 links/);
});

Deno.test("TreeDraft counts the bytes of replaced files and of hard links", () => {
  const draft = new TreeDraft();
  const times = TREE_BYTES_MAX / FILE_BYTES_MAX;
  for (let i = 1; i < times; i++) draft.file(["f"], FILE_BYTES_MAX);
  const content = { size: FILE_BYTES_MAX, digest: "sha256:0", wasm: false };
  draft.content(["f"], content);
  draft.hardLink(["h"], ["f"]);
  refused(() => draft.hardLink(["i"], ["f"]), /files have more than 2147483648 bytes/);
});

Deno.test("TreeDraft tells what to remove and which folders to make, outer before inner", () => {
  const draft = new TreeDraft();
  assert.deepEqual(draft.file(["a", "b", "c"], 0), { remove: [], make: ["a", "a/b"] });
  assert.deepEqual(draft.folder(["a", "b"]), { remove: [], make: [] });
  assert.deepEqual(draft.file(["a"], 0), { remove: ["a"], make: [] });
  draft.nextLayer();
  assert.deepEqual(draft.whiteout(["a"]), { remove: ["a"], make: [] });
  assert.deepEqual([...draft.entries()], []);
});

Deno.test("TreeDraft counts what leaves the tree as it is", () => {
  const draft = new TreeDraft({ entries: 2, links: 0, bytes: 0 });
  draft.pass(["a"]);
  draft.pass([]);
  refused(() => draft.pass(["a"]), /more than 2 files, folders and links/);
});

Deno.test("TreeDraft refuses a link to a path that no system takes", () => {
  const draft = new TreeDraft();
  draft.symbolicLink(["d", "ok"], "x".repeat(PATH_BYTES_MAX));
  refused(() => draft.symbolicLink(["l"], "ü".repeat(PATH_BYTES_MAX / 2 + 1)), /over 3072 bytes/);
  // It would be that long once it is made to stay inside.
  refused(() => draft.symbolicLink(["d", "l"], `/${"x".repeat(PATH_BYTES_MAX)}`), /over 3072/);
});

Deno.test("TreeDraft hides a large folder a hundred thousand times in no time", () => {
  const draft = new TreeDraft();
  draft.nextLayer();
  draft.folder(["d"]);
  draft.nextLayer();
  for (let i = 0; i < 90_000; i++) draft.file(["d", String(i)], 0);
  const begunMs = performance.now();
  for (let i = 0; i < 50_000; i++) draft.opaque(["d"]);
  for (let i = 0; i < 50_000; i++) draft.whiteout(["d"]);
  // Milliseconds now, and an hour if each of them looked at every file.
  assert.ok(performance.now() - begunMs < 20_000);
});
