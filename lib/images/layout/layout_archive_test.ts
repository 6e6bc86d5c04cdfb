import assert from "node:assert/strict";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { PullFailure } from "../oci/failure.ts";
import { MODULE, TestDir } from "../oci/_test_registry.ts";
import { TestLayout } from "./_test_layout.ts";
import { entry, type RawEntry, tarOf } from "./_test_tar.ts";
import { ARCHIVE_ENTRIES_MAX, LayoutArchive } from "./layout_archive.ts";
import { LayoutFile } from "./layout_files.ts";
import { BLOCK_BYTES } from "./tar/header.ts";

const { signal } = new AbortController();

/** A layout of one artifact, and the bytes of `name` in an archive of these entries. */
async function readFrom(tar: Uint8Array, name: string): Promise<Uint8Array> {
  await using dir = new TestDir();
  const path = join(dir.path, "x.tar");
  await Deno.writeFile(path, tar);
  const archive = await LayoutArchive.open(path, signal);
  using file = await archive.open(name);
  const bytes = new Uint8Array(file.size);
  assert.equal(await file.read(0, bytes), file.size);
  return bytes;
}

function layout(): TestLayout {
  const made = new TestLayout();
  made.index({ digest: made.artifact(MODULE) });
  return made;
}

Deno.test("LayoutArchive finds each file where it lies, whatever stands before and behind", async () => {
  const made = layout();
  const tar = tarOf(
    entry.file("manifest.json", "[]".repeat(700)),
    entry.link("latest", "blobs"),
    ...made.entries(),
    entry.file("README", "x"),
  );
  for (const [name, bytes] of made.files) assert.deepEqual(await readFrom(tar, name), bytes);
});

Deno.test("LayoutArchive reads archives of a folder's content, and names in extra headers", async () => {
  const { files } = layout();
  const dotted = [...files].map(([name, body]) => ({ name: `./${name}`, body }));
  const blobs = [...files].flatMap(([name, body]) => [
    entry.pax({ path: name, size: String(body.length) }),
    { name: "short", body },
  ]);
  for (const entries of [dotted, blobs]) {
    const index = await readFrom(tarOf(entry.folder("./"), ...entries), "index.json");
    assert.deepEqual(index, files.get("index.json"));
  }
});

Deno.test("LayoutArchive reads headers only, however much lies between them", async () => {
  await using dir = new TestDir();
  const path = join(dir.path, "x.tar");
  const size = 7 * 1024 ** 3;
  const large = tarOf({ name: `blobs/sha256/${"0".repeat(64)}`, size });
  using file = await Deno.open(path, { create: true, write: true });
  await file.write(large.subarray(0, BLOCK_BYTES));
  // A hole: it costs nothing on disk.
  await file.seek(BLOCK_BYTES + size, Deno.SeekMode.Start);
  await file.write(tarOf(...layout().entries()));
  let bytes = 0;
  const { read } = LayoutFile.prototype;
  LayoutFile.prototype.read = function (at, into): Promise<number> {
    bytes += into.length;
    return read.call(this, at, into);
  };
  try {
    const archive = await LayoutArchive.open(path, signal);
    using index = await archive.open("index.json");
    assert.ok(index.size > 0);
    assert.ok(bytes < 32 * BLOCK_BYTES, `${bytes}`);
  } finally {
    LayoutFile.prototype.read = read;
  }
});

const cut = (tar: Uint8Array): Uint8Array => tar.subarray(0, tar.length - 1024 - 513);
const many = (count: number): RawEntry[] =>
  Array.from({ length: count }, (_, i) => entry.file(`f${i}`));
const twice = (name: string): RawEntry[] => [
  ...layout().entries(),
  entry.file(name, layout().files.get(name)!),
];
const REFUSED: readonly (readonly [what: string, tar: () => Uint8Array, message: RegExp])[] = [
  [
    "no archive",
    () => new TextEncoder().encode("x".repeat(600)),
    /x\.tar" is no sound tar archive/,
  ],
  [
    "an empty file",
    () => new Uint8Array(),
    /has no "index.json": it is no image layout; write one/,
  ],
  ["an archive of docker save before 25", () => tarOf(entry.file("manifest.json", "[]")), /docker/],
  ["gzip", () => new Uint8Array(gzipSync(tarOf())), /compressed as a whole; unpack it with gunzip/],
  ["zstd", () => new Uint8Array(zstdCompressSync(tarOf())), /unpack it with unzstd/],
  ["an archive that is cut off", () => cut(tarOf(...layout().entries())), /x\.tar" is cut off/],
  [
    "an archive that is cut off within a file",
    () => tarOf(entry.file("x", "y".repeat(2_000))).subarray(0, 1_500),
    /x\.tar" is cut off: it ends in the middle of an entry; write it again/,
  ],
  ["half a header", () => tarOf(...layout().entries()).subarray(0, 700), /x\.tar" is cut off/],
  ["an index that is there twice", () => tarOf(...twice("index.json")), /"index.json" twice/],
  ["an index that is a link", () => tarOf(entry.link("index.json", "/etc/passwd")), /\(type "2"\)/],
  ["an index that is a hard link", () => tarOf(entry.hard("./index.json", "x")), /\(type "1"\)/],
  ["too many entries", () => tarOf(...many(ARCHIVE_ENTRIES_MAX + 1)), /more than 10000 entries/],
  [
    "names that lead out",
    () => tarOf(entry.file("../index.json", "{}"), entry.file("/index.json", "{}")),
    /has no "index.json"/,
  ],
];

for (const [what, tar, message] of REFUSED) {
  Deno.test(`LayoutArchive refuses ${what}`, async () => {
    await assert.rejects(readFrom(tar(), "index.json"), (error) => {
      assert.ok(error instanceof PullFailure, String(error));
      assert.match(error.message, message);
      return true;
    });
  });
}

Deno.test("LayoutArchive takes as many entries as its limit says", async () => {
  const tar = tarOf(...many(ARCHIVE_ENTRIES_MAX - 1), entry.file("index.json", "{}"));
  assert.equal((await readFrom(tar, "index.json")).length, 2);
});

Deno.test("LayoutArchive stops when it is told to", async () => {
  await using dir = new TestDir();
  const path = join(dir.path, "x.tar");
  await Deno.writeFile(path, tarOf(...layout().entries()));
  const reason = new Error("enough");
  await assert.rejects(LayoutArchive.open(path, AbortSignal.abort(reason)), reason);
});
