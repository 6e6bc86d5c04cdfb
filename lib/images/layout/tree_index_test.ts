import assert from "node:assert/strict";
import { formatTreeIndex, parseTreeIndex, type TreeEntry, TreeIndex } from "./tree_index.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;
const file = (path: string, wasm = false): TreeEntry => ({
  kind: "file",
  path,
  size: 5,
  digest: DIGEST,
  ...(wasm ? { wasm: true as const } : {}),
});
const folder = (path: string): TreeEntry => ({ kind: "folder", path });
const link = (path: string, target: string): TreeEntry => ({ kind: "link", path, target });

const INDEX = new TreeIndex([
  folder("bin"),
  file("bin/busybox", true),
  link("bin/ls", "busybox"),
  folder("usr"),
  link("usr/bin", "../bin"),
  folder("var"),
  link("var/run", "/run"),
  folder("run"),
  file("run/motd"),
  link("loop", "loop"),
  link("a", "b"),
  link("b", "a"),
  link("gone", "run/none"),
  link("up", "../../../bin/ls"),
]);

const RESOLVED: Readonly<Record<string, string | undefined>> = {
  "/bin/busybox": "bin/busybox",
  "bin//./ls": "bin/busybox",
  "/usr/bin/ls": "bin/busybox",
  "/usr/bin/../run/motd": "run/motd",
  "/var/run/motd": "run/motd",
  "/up": "bin/busybox",
  "/../../bin/ls": "bin/busybox",
  "/var/run": "run",
  "/": "",
  "/bin/ls/x": undefined,
  "/loop": undefined,
  "/a": undefined,
  "/gone": undefined,
  "/none": undefined,
  "/none/../run/motd": undefined,
};

for (const [path, found] of Object.entries(RESOLVED)) {
  Deno.test(`TreeIndex.resolve() of ${path} is ${found ?? "nothing"}`, () => {
    assert.equal(INDEX.resolve(path)?.path, found);
  });
}

const PLACES: Readonly<Record<string, string | undefined>> = {
  "/etc/app/conf": "etc/app/conf",
  "/var/run/secrets/token": "run/secrets/token",
  "/usr/bin/new": "bin/new",
  "/run/motd": "run/motd",
  "/run/motd/x": undefined,
  "/bin/ls": "bin/busybox",
  "/gone": "run/none",
  "/gone/x": "run/none/x",
  "/loop/x": undefined,
  "/new/../../x": "x",
  "/": "",
};

for (const [path, place] of Object.entries(PLACES)) {
  Deno.test(`TreeIndex.place() of ${path} is ${place ?? "nowhere"}`, () => {
    assert.equal(INDEX.place(path), place);
  });
}

Deno.test("TreeIndex knows its bytes, its modules and its real folders", () => {
  assert.equal(INDEX.bytes, 10);
  assert.deepEqual(INDEX.modules.map(({ path }) => path), ["bin/busybox"]);
  assert.deepEqual(["", "bin", "var/run", "run/motd", "x"].map((path) => INDEX.hasFolder(path)), [
    true,
    true,
    false,
    false,
    false,
  ]);
});

Deno.test("parseTreeIndex() reads what was written, and nothing that is torn or strange", () => {
  const text = formatTreeIndex(INDEX);
  assert.deepEqual(parseTreeIndex(text)?.entries, INDEX.entries);
  for (
    const bad of [
      "",
      text.slice(0, -1),
      "[]",
      '{"version":2,"entries":[]}',
      '{"version":1,"entries":[{"kind":"device","path":"x"}]}',
      '{"version":1,"entries":[{"kind":"file","path":"x","size":1,"digest":"../x"}]}',
      '{"version":1,"entries":[{"kind":"link","path":"x"}]}',
    ]
  ) assert.equal(parseTreeIndex(bad), undefined, bad);
});
