import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import { PullFailure } from "../oci/failure.ts";
import { digestOf, MODULE, names, TestDir } from "../oci/_test_registry.ts";
import { entry, inPieces, layerOf, type RawEntry, tarOf } from "./_test_tar.ts";
import { FILE_BYTES_MAX } from "./limits.ts";
import type { TreeIndex } from "./tree_index.ts";
import { type LayerSource, unpackLayers } from "./unpack.ts";

/** Random cases; each is a folder on the disk. */
const RUNS = 200;
const { signal } = new AbortController();

function archive(...entries: readonly RawEntry[]): LayerSource {
  const { bytes, diffId } = layerOf(...entries);
  return { kind: "archive", size: bytes.length, diffId, open: () => inPieces(bytes) };
}

async function unpack(dir: TestDir, ...layers: readonly LayerSource[]): Promise<TreeIndex> {
  const into = join(dir.path, "root");
  await Deno.mkdir(into, { recursive: true });
  return await unpackLayers(layers, { into, signal });
}

/** What is on the disk, as `ls -R` would say it. */
async function listing(dir: TestDir, under = ""): Promise<string[]> {
  const seen: string[] = [];
  const here = join(dir.path, "root", under);
  for await (const { name } of Deno.readDir(here)) {
    const path = join(here, name);
    const shown = under === "" ? name : `${under}/${name}`;
    const info = await Deno.lstat(path);
    if (info.isSymlink) seen.push(`${shown} -> ${await Deno.readLink(path)}`);
    else if (info.isDirectory) seen.push(`${shown}/`, ...await listing(dir, shown));
    else seen.push(`${shown}=${await Deno.readTextFile(path)}`);
  }
  return seen.sort();
}

async function lays(layers: readonly LayerSource[], expected: readonly string[]): Promise<void> {
  await using dir = new TestDir();
  const index = await unpack(dir, ...layers);
  assert.deepEqual(await listing(dir), [...expected].sort());
  const told = index.entries.map((entry) =>
    entry.kind === "folder"
      ? `${entry.path}/`
      : entry.kind === "link"
      ? `${entry.path} -> ${entry.target}`
      : entry.path
  );
  assert.deepEqual(told.sort(), expected.map((line) => line.replace(/=.*$/s, "")).sort());
}

Deno.test("unpackLayers() lays the files of an archive, and folders that it leaves out", () =>
  lays(
    [archive(
      entry.file("./srv/www/index.html", "<p>"),
      entry.folder("/etc/"),
      entry.file("/etc/conf", "1"),
      entry.link("bin", "/usr/bin"),
      entry.hard("etc/same", "etc/conf"),
    )],
    ["srv/", "srv/www/", "srv/www/index.html=<p>", "etc/", "etc/conf=1", "etc/same=1"]
      .concat("bin -> usr/bin"),
  ));

Deno.test("unpackLayers() lets the last of several entries win, also where it is of another kind", () =>
  lays(
    [archive(
      entry.file("a", "1"),
      entry.file("a", "2"),
      entry.file("f", "1"),
      entry.folder("f"),
      entry.file("f/x", "1"),
      entry.folder("d/e"),
      entry.file("d", "1"),
      entry.link("l", "a"),
      entry.file("l", "not through the link"),
      entry.file("h", "old"),
      entry.hard("i", "h"),
      entry.file("h", "new"),
    )],
    ["a=2", "f/", "f/x=1", "d=1", "l=not through the link", "h=new", "i=old"],
  ));

Deno.test("unpackLayers() hides by whiteouts what the layers below have, and nothing else", () =>
  lays([
    archive(
      entry.file("gone"),
      entry.file("kept", "1"),
      entry.file("dir/old"),
      entry.file("dir/sub/old"),
      entry.file("opaque/old"),
      entry.file("opaque/sub/old"),
      entry.file("replaced/old"),
    ),
    archive(
      entry.file(".wh.gone"),
      entry.file(".wh.never"),
      entry.file("dir/.wh.sub"),
      entry.file("opaque/new", "2"),
      entry.file("opaque/.wh..wh..opq"),
      entry.file("opaque/sub/new", "2"),
      entry.file("replaced/new", "2"),
      entry.file(".wh.replaced"),
      entry.file(".wh..wh.plnk/x"),
    ),
  ], [
    "kept=1",
    "dir/",
    "dir/old=",
    "opaque/",
    "opaque/new=2",
    "opaque/sub/",
    "opaque/sub/new=2",
    "replaced/",
    "replaced/new=2",
  ]));

Deno.test("unpackLayers() puts single files beside archives, and knows Wasm by its bytes", async () => {
  await using dir = new TestDir();
  const index = await unpack(
    dir,
    archive(entry.file("app", MODULE), entry.file("text.wasm", "no")),
    { kind: "file", path: "static/a", size: 2, open: () => inPieces(Uint8Array.of(49, 50), 1) },
  );
  assert.deepEqual(index.modules, [{
    kind: "file",
    path: "app",
    size: MODULE.length,
    digest: digestOf(MODULE),
    wasm: true,
  }]);
  assert.equal(await Deno.readTextFile(join(dir.path, "root/static/a")), "12");
});

Deno.test("unpackLayers() never makes a setuid file, nor one that others may read", async () => {
  await using dir = new TestDir();
  const setuid: RawEntry = {
    ...entry.file("su", "x"),
    patch: (block) => block.set(new TextEncoder().encode("0006777\0"), 100),
  };
  await unpack(dir, archive(setuid));
  const { mode } = await Deno.stat(join(dir.path, "root/su"));
  if (Deno.build.os !== "windows") assert.equal(mode! & 0o7177, 0);
});

const BAD: Readonly<Record<string, readonly [entries: readonly RawEntry[], message: RegExp]>> = {
  "a path that climbs out": [[entry.file("../evil")], /"..\/evil" cannot be unpacked.*"\.\."/],
  "a path that climbs out later": [[entry.file("a/../../evil")], /could lead out of the image/],
  "a whiteout that climbs out": [[entry.file(".wh...")], /could lead out of the image/],
  "a file under a link": [
    [entry.link("l", "/tmp"), entry.file("l/evil")],
    /"\/l\/evil" cannot be unpacked: "l" is a symbolic link.*pack it by its real path/,
  ],
  "a folder under a link": [[entry.link("l", ".."), entry.folder("l/evil")], /"l" is a symbolic/],
  "a file under a file": [[entry.file("f"), entry.file("f/x")], /"f" is a file, and not a folder/],
  "a link in the place of the root": [[entry.link("./", "/")], /takes the place of the root/],
  "a file in the place of the root": [[entry.file(".")], /takes the place of the root/],
  "a link to nothing": [[entry.link("l", "")], /is a link to nothing/],
  "a hard link that climbs out": [[entry.hard("h", "../../etc/passwd")], /could lead out/],
  "a hard link to what is not in the image": [
    [entry.hard("h", "/etc/passwd")],
    /hard link to "etc\/passwd", which is no file of the image/,
  ],
  "a hard link through a link": [
    [entry.link("l", "/etc"), entry.hard("h", "l/passwd")],
    /which is no file of the image/,
  ],
  "a hard link to a folder": [[entry.folder("d"), entry.hard("h", "d")], /is no file of the image/],
  "a hard link to itself": [[entry.file("h"), entry.hard("h", "h")], /hard link to itself/],
  "a hard link into itself": [[entry.file("d/f"), entry.hard("d", "d/f")], /or into itself/],
  "names that differ in case only": [
    [entry.file("README"), entry.file("readme")],
    /differs from that of "README" in case only.*one file on other nodes/,
  ],
  "folders that differ in case only": [
    [entry.file("Dir/a"), entry.file("dir/b")],
    /"\/dir" cannot be unpacked: its name differs/,
  ],
  "a file beyond the limit": [
    [{ name: "big", size: FILE_BYTES_MAX + 1 }],
    /"\/big" cannot be unpacked: it has 1073741825 bytes, more than 1073741824/,
  ],
  "a device": [[{ name: "dev/kmsg", type: "3" }], /is a character device/],
};

for (const [name, [entries, message]] of Object.entries(BAD)) {
  Deno.test(`unpackLayers() refuses ${name}`, async () => {
    await using dir = new TestDir();
    await assert.rejects(unpack(dir, archive(...entries)), (error) => {
      assert.ok(error instanceof PullFailure, Deno.inspect(error));
      assert.match(error.message, message);
      return true;
    });
    assert.deepEqual(names(dir.path), ["root"]);
  });
}

Deno.test("unpackLayers() refuses a layer that is not what the config says", async () => {
  await using dir = new TestDir();
  const layer = archive(entry.file("a", "1"));
  const other = layerOf(entry.file("a", "2"));
  await assert.rejects(
    unpack(dir, { ...layer, kind: "archive", diffId: other.diffId }),
    /digest mismatch: a layer unpacks to content with digest sha256:.*config names sha256:/,
  );
});

Deno.test("unpackLayers() stops when it is told to", async () => {
  await using dir = new TestDir();
  const stop = new AbortController();
  const block = tarOf(entry.file("f", "x".repeat(100_000))).subarray(0, -1024);
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (let i = 0;; i++) {
      if (i === 20) stop.abort(new Error("enough"));
      yield await Promise.resolve(block);
    }
  }
  await assert.rejects(
    unpackLayers([{ kind: "archive", size: 1 << 29, open: endless }], {
      into: dir.path,
      signal: stop.signal,
    }),
    /enough/,
  );
});

Deno.test("unpackLayers() gives way to timers while it works", async () => {
  await using dir = new TestDir();
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  try {
    // 48 MiB of zeros in a file that nobody writes: only hashing and passing over, all in memory.
    const bytes = layerOf(entry.file("zeros", new Uint8Array(48 << 20))).bytes;
    const before = ticks;
    await unpack(dir, { kind: "archive", size: bytes.length, open: () => inPieces(bytes, 65_536) });
    assert.ok(ticks - before >= 5, `${ticks - before}`);
  } finally {
    clearInterval(timer);
  }
});

const paths = fc.constantFrom("a", "b", "B", "l", "d/a", "d/l", "d/e/f", "..", "/a", "l/x", "./d/");
const targets = fc.constantFrom("a", "../..", "/", "d", "l", "../../../etc", "d/e/../..", "/etc/x");
const entries = fc.array(
  fc.oneof(
    fc.record({ name: paths, body: fc.constantFrom("", "x", "\0asm") }),
    fc.record({ name: paths, type: fc.constant("5") }),
    fc.record({ name: paths, type: fc.constantFrom("1", "2"), link: targets }),
    fc.record({ name: paths.map((name) => `.wh.${name}`) }),
    fc.constant({ name: "d/.wh..wh..opq" }),
  ),
  { maxLength: 12 },
);

Deno.test("unpackLayers() of any entries tells what is on the disk, and touches nothing else", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(entries, { minLength: 1, maxLength: 3 }), async (layers) => {
      await using dir = new TestDir();
      let index: TreeIndex;
      try {
        index = await unpack(dir, ...layers.map((entries) => archive(...entries)));
      } catch (error) {
        assert.ok(error instanceof PullFailure, Deno.inspect(error));
        return;
      } finally {
        assert.deepEqual(names(dir.path), ["root"]);
      }
      const seen = (await listing(dir)).map((line) => line.replace(/(=| -> ).*$/s, ""));
      const told = index.entries.map(({ kind, path }) => kind === "folder" ? `${path}/` : path);
      assert.deepEqual(told.sort(), seen.sort());
      for (const entry of index.entries) {
        if (entry.kind !== "link") continue;
        const root = await Deno.realPath(join(dir.path, "root"));
        const real = await Deno.realPath(join(root, entry.path)).catch(() => undefined);
        const told = index.resolve(entry.path);
        // Where the machine's own way leads out of the root, a guest's does not.
        if (real === undefined) assert.equal(told, undefined);
        else if (real === root || real.startsWith(`${root}/`)) {
          assert.equal(told?.path, real.slice(root.length + 1));
        }
      }
    }),
    { numRuns: RUNS },
  );
});
