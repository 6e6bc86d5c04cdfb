import assert from "node:assert/strict";
import { join } from "node:path";
import { PullFailure } from "../oci/failure.ts";
import { digestOf, MODULE, names, TestDir } from "../oci/_test_registry.ts";
import { entry, layerOf, type RawEntry } from "./_test_tar.ts";
import { copyTree } from "./copy_tree.ts";
import { ROOT_COPY_BYTES_MAX } from "./limits.ts";
import { TreeIndex } from "./tree_index.ts";
import { treeId, type TreePart, TreeStore } from "./tree_store.ts";

const { signal } = new AbortController();

/** Layers on disk, and a store to unpack them in. */
class Fixture implements AsyncDisposable {
  readonly dir = new TestDir();
  readonly trees = this.again();

  /** As after a start of the agent. */
  again(): TreeStore {
    return new TreeStore(this.dir.path);
  }

  readonly blobPath = (digest: string): string => join(this.dir.path, digest.slice(7));

  async layer(...entries: readonly RawEntry[]): Promise<TreePart> {
    const { bytes, diffId } = layerOf(...entries);
    const digest = digestOf(bytes);
    await Deno.writeFile(this.blobPath(digest), bytes);
    return { kind: "archive", digest, size: bytes.length, diffId };
  }

  get left(): string[] {
    return names(join(this.dir.path, "trees"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dir[Symbol.asyncDispose]();
  }
}

Deno.test("TreeStore.ensure() unpacks once for many, and finds the tree after a start", async () => {
  await using fixture = await Promise.resolve(new Fixture());
  const { trees, blobPath } = fixture;
  const parts = [await fixture.layer(entry.file("a", MODULE), entry.link("l", "a"))];
  const all = await Promise.all([1, 2, 3].map(() => trees.ensure(parts, { blobPath, signal })));
  assert.ok(all.every((tree) => tree === all[0]));
  assert.deepEqual(await Deno.readFile(join(all[0]!.path, "a")), MODULE);
  assert.deepEqual(fixture.left, [treeId(parts)]);
  await Deno.remove(blobPath(parts[0]!.digest));
  const later = await fixture.again().find(treeId(parts), signal);
  assert.deepEqual(later?.index.entries, all[0]?.index.entries);
});

const DAMAGE: Readonly<Record<string, (root: string) => Promise<void>>> = {
  "a torn file": (root) => Deno.truncate(join(root, "root/d/a"), 3),
  "a changed file": (root) => Deno.writeTextFile(join(root, "root/d/a"), "HELLO"),
  "a missing file": (root) => Deno.remove(join(root, "root/d/a")),
  "a link in the place of a file": async (root) => {
    await Deno.remove(join(root, "root/d/a"));
    await Deno.symlink("/etc/hostname", join(root, "root/d/a"));
  },
  "a link that leads elsewhere": async (root) => {
    await Deno.remove(join(root, "root/l"));
    await Deno.symlink("/", join(root, "root/l"));
  },
  "a torn index": (root) => Deno.truncate(join(root, "tree.json"), 20),
  "no index": (root) => Deno.remove(join(root, "tree.json")),
  "an index of zeros": (root) => Deno.writeFile(join(root, "tree.json"), new Uint8Array(900)),
  "a folder in the place of its index": async (root) => {
    await Deno.remove(join(root, "tree.json"));
    await Deno.mkdir(join(root, "tree.json/x"), { recursive: true });
  },
  "a file in the place of a folder": async (root) => {
    await Deno.remove(join(root, "root/d"), { recursive: true });
    await Deno.writeTextFile(join(root, "root/d"), "");
  },
  "a file in the place of a link": async (root) => {
    await Deno.remove(join(root, "root/l"));
    await Deno.writeTextFile(join(root, "root/l"), "d");
  },
  "a file in its place": async (root) => {
    await Deno.remove(root, { recursive: true });
    await Deno.writeTextFile(root, "");
  },
};

for (const [name, damage] of Object.entries(DAMAGE)) {
  Deno.test(`TreeStore never uses a tree with ${name}, and makes it again`, async () => {
    await using fixture = await Promise.resolve(new Fixture());
    const { blobPath } = fixture;
    const parts = [await fixture.layer(entry.file("d/a", "hello"), entry.link("l", "d"))];
    await fixture.trees.ensure(parts, { blobPath, signal });
    await damage(join(fixture.dir.path, "trees", treeId(parts)));
    assert.equal(await fixture.again().find(treeId(parts), signal), undefined);
    assert.deepEqual(fixture.left, []);
    const { path } = await fixture.again().ensure(parts, { blobPath, signal });
    assert.equal(await Deno.readTextFile(join(path, "l/a")), "hello");
  });
}

Deno.test("TreeStore.ensure() leaves nothing of a tree that cannot be made", async () => {
  await using fixture = await Promise.resolve(new Fixture());
  const good = await fixture.layer(entry.file("a", "1"));
  const bad = await fixture.layer(entry.file("b", "1"), entry.file("../c"));
  const { trees, blobPath } = fixture;
  await assert.rejects(trees.ensure([good, bad], { blobPath, signal }), PullFailure);
  await Deno.remove(blobPath(good.digest));
  await assert.rejects(trees.ensure([good], { blobPath, signal }), PullFailure);
  assert.deepEqual(fixture.left, []);
});

Deno.test("TreeStore.ensure() takes the tree that another process has made meanwhile", async () => {
  await using fixture = await Promise.resolve(new Fixture());
  const { blobPath } = fixture;
  const parts = [await fixture.layer(entry.file("a", MODULE), entry.folder("d"))];
  const stores = Array.from({ length: 4 }, () => fixture.again());
  const all = await Promise.all(stores.map((trees) => trees.ensure(parts, { blobPath, signal })));
  for (const tree of all) assert.deepEqual(await Deno.readFile(join(tree.path, "a")), MODULE);
  assert.deepEqual(fixture.left, [treeId(parts)]);
});

Deno.test("treeId() is that of what is in the layers, and of their order", () => {
  const part = (digest: string, diffId: string): TreePart => ({
    kind: "archive",
    digest,
    size: 1,
    diffId,
  });
  assert.equal(treeId([part("gzip", "a")]), treeId([part("zstd", "a")]));
  assert.notEqual(
    treeId([part("x", "a"), part("y", "b")]),
    treeId([part("y", "b"), part("x", "a")]),
  );
  assert.match(treeId([{ kind: "file", digest: "d", size: 1, path: "p" }]), /^[0-9a-f]{64}$/);
});

Deno.test("copyTree() copies files, folders and links, and shares nothing with the tree", async () => {
  await using fixture = await Promise.resolve(new Fixture());
  const parts = [
    await fixture.layer(
      entry.folder("empty"),
      entry.file("d/a", "1"),
      entry.hard("d/b", "d/a"),
      entry.link("l", "/d/a"),
    ),
  ];
  const tree = await fixture.trees.ensure(parts, { blobPath: fixture.blobPath, signal });
  const into = join(fixture.dir.path, "copy");
  await Deno.mkdir(into);
  await copyTree(tree, { into, signal });
  assert.deepEqual(names(into).toSorted(), ["d", "empty", "l"]);
  assert.equal(await Deno.readTextFile(join(into, "l")), "1");
  await Deno.writeTextFile(join(into, "d/a"), "changed");
  assert.equal(await Deno.readTextFile(join(into, "d/b")), "1");
  assert.equal(await Deno.readTextFile(join(tree.path, "d/a")), "1");
});

Deno.test("copyTree() refuses a tree that is too large to be copied for each container", async () => {
  const index = new TreeIndex([
    { kind: "file", path: "big", size: ROOT_COPY_BYTES_MAX + 1, digest: digestOf(MODULE) },
  ]);
  await assert.rejects(
    copyTree({ id: "x", path: "x", index }, { into: "y", signal }),
    /set securityContext.readOnlyRootFilesystem, or put the data into a volume/,
  );
});

Deno.test("treeId() takes no path for the end of a part and the beginning of another", () => {
  const [one, two] = [`sha256:${"1".repeat(64)}`, `sha256:${"2".repeat(64)}`];
  const file = (digest: string, path: string): TreePart => ({
    kind: "file",
    digest,
    path,
    size: 1,
  });
  const honest = [file(one, "a"), file(two, "b")];
  assert.notEqual(treeId([file(one, `a\nfile ${two} b`)]), treeId(honest));
});
