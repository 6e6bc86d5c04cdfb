import assert from "node:assert/strict";
import { PullFailure } from "../../oci/failure.ts";
import { concat, entry, inPieces, type RawEntry, tarOf } from "../_test_tar.ts";
import { EXTRA_BYTES_MAX } from "../limits.ts";
import { readTar } from "./reader.ts";

async function read(tar: Uint8Array, pieceSize?: number): Promise<string[]> {
  const seen: string[] = [];
  for await (const found of readTar(inPieces(tar, pieceSize))) {
    if (found.kind === "file") {
      const body: Uint8Array[] = [];
      for await (const piece of found.body) body.push(piece.slice());
      seen.push(`file ${found.path} ${new TextDecoder().decode(concat(body))}`);
    } else if (found.kind === "folder") seen.push(`folder ${found.path}`);
    else seen.push(`${found.kind} ${found.path} -> ${found.target}`);
  }
  return seen;
}

async function failureOf(tar: Uint8Array): Promise<string> {
  try {
    await read(tar);
  } catch (error) {
    assert.ok(error instanceof PullFailure, Deno.inspect(error));
    return error.message;
  }
  assert.fail("it was read");
}

Deno.test("readTar() reads files, folders and links, in pieces of any size", async () => {
  const tar = tarOf(
    entry.folder("srv/"),
    entry.file("srv/a", "hello"),
    entry.file("srv/empty"),
    entry.file("srv/block", "x".repeat(512)),
    entry.link("srv/l", "../a"),
    entry.hard("srv/h", "srv/a"),
    { name: "old/", type: "\0" },
    { name: "name", prefix: "some/prefix", type: "7", body: "7" },
    { name: "title", type: "V" },
  );
  const expected = [
    "folder srv/",
    "file srv/a hello",
    "file srv/empty ",
    `file srv/block ${"x".repeat(512)}`,
    "symbolic_link srv/l -> ../a",
    "hard_link srv/h -> srv/a",
    "folder old/",
    "file some/prefix/name 7",
  ];
  for (const size of [1, 511, 512, 513, 1 << 20]) assert.deepEqual(await read(tar, size), expected);
});

Deno.test("readTar() takes names and sizes from pax headers and GNU's long names", async () => {
  const long = `${"long/".repeat(40)}name`;
  const tar = tarOf(
    entry.pax({ path: long, mtime: "1.5", "SCHILY.xattr.user.x": "\u0001" }),
    entry.file("short", "1"),
    { name: "././@LongLink", type: "L", body: `${long}\0` },
    { name: "././@LongLink", type: "K", body: `${long}/t\0` },
    entry.link("short", "t"),
    entry.pax({ size: "3" }),
    { name: "sized", body: "abc", size: 0 },
    entry.pax({ comment: "of a commit" }, "g"),
    entry.file("last", "2"),
  );
  assert.deepEqual(await read(tar), [
    `file ${long} 1`,
    `symbolic_link ${long} -> ${long}/t`,
    "file sized abc",
    "file last 2",
  ]);
});

Deno.test("readTar() reads GNU's binary sizes and an old archiver's signed checksum", async () => {
  const binary: RawEntry = {
    name: "b",
    body: "12345",
    patch: (block) => block.set([0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5], 124),
  };
  assert.deepEqual(await read(tarOf(binary)), ["file b 12345"]);
  const tar = tarOf(entry.file("ü"));
  const signed = tar.slice(0, 512).reduce((sum, byte) => sum + (byte < 128 ? byte : byte - 256), 0);
  const own = tar.subarray(148, 156).reduce((sum, byte) => sum + byte, 0);
  const sum = (signed - own + 8 * 32).toString(8).padStart(6, "0");
  tar.set(new TextEncoder().encode(`${sum}\0 `), 148);
  assert.deepEqual(await read(tar), ["file ü "]);
});

Deno.test("readTar() ends at zeros or at the end of the bytes, and passes over what it is not asked for", async () => {
  const tar = tarOf(entry.file("a", "1"), entry.file("b", "2"));
  assert.deepEqual(await read(tar.subarray(0, -1024)), ["file a 1", "file b 2"]);
  assert.deepEqual(await read(concat([tar, new TextEncoder().encode("garbage")])), [
    "file a 1",
    "file b 2",
  ]);
  const paths: string[] = [];
  for await (const found of readTar(inPieces(tar))) paths.push(found.path);
  assert.deepEqual(paths, ["a", "b"]);
  assert.deepEqual(await read(new Uint8Array(0)), []);
});

const pax = (body: string): RawEntry => ({ name: "x", type: "x", body });
const BAD: Readonly<Record<string, readonly [tar: Uint8Array, message: RegExp]>> = {
  "a wrong checksum": [tarOf(entry.file("a")).map((b, at) => at === 0 ? b + 1 : b), /checksum/],
  "a body that is cut off": [tarOf(entry.file("a", "hello")).subarray(0, 515), /cut off/],
  "padding that is cut off": [tarOf(entry.file("a", "hello")).subarray(0, 900), /cut off/],
  "a header that is cut off": [tarOf(entry.file("a")).subarray(0, 100), /cut off/],
  "an extra header before nothing": [tarOf(pax("9 path=a\n")), /cut off/],
  "a size that is no number": [
    tarOf({ name: "a", patch: (block) => block.set([0x39], 125) }),
    /size of an entry is no number/,
  ],
  "a negative size": [
    tarOf({ name: "a", patch: (block) => block.fill(0xff, 124, 136) }),
    /size of an entry is out of range/,
  ],
  "a size beyond all": [
    tarOf({ name: "a", patch: (block) => block.set([0x80, 0xff, 0xff], 124) }),
    /cut off|out of range/,
  ],
  "a name that is not UTF-8": [
    tarOf({ name: "a", patch: (block) => block.set([0xff, 0xfe], 0) }),
    /a name is not UTF-8/,
  ],
  "a character device": [tarOf({ name: "dev/null", type: "3" }), /"dev\/null" is a character dev/],
  "a block device": [tarOf({ name: "dev/sda", type: "4" }), /is a block device.*leave it out/],
  "a named pipe": [tarOf({ name: "pipe", type: "6" }), /is a named pipe/],
  "GNU's sparse file": [tarOf({ name: "hole", type: "S" }), /is a sparse file/],
  "pax' sparse file": [
    tarOf(entry.pax({ "GNU.sparse.major": "1" }), entry.file("hole")),
    /"hole" is sparse.*pack it without --sparse/,
  ],
  "a part of another archive": [tarOf({ name: "m", type: "M" }), /began in another archive/],
  "an unknown kind": [tarOf({ name: "u", type: "Z" }), /of an unknown kind/],
  "a NUL in a pax name": [tarOf(entry.pax({ path: "a\0b" }), entry.file("a")), /holds a NUL/],
  "a pax record without a length": [tarOf(pax("path=a\n")), /extended header is malformed/],
  "a pax record that is too long": [tarOf(pax("99 path=a\n")), /extended header is malformed/],
  "a pax record without an end": [tarOf(pax("9 path=ab")), /extended header is malformed/],
  "a pax record of nothing": [tarOf(pax("3 \n")), /extended header is malformed/],
  "a pax size that is negative": [
    tarOf(entry.pax({ size: "-1" }), entry.file("a")),
    /size of an entry is no number/,
  ],
  "a size with digits that are none": [
    tarOf({ name: "a", patch: (block) => block.set([0x30, 0x78], 124) }),
    /size of an entry is no number/,
  ],
  "an extra header without end": [
    tarOf({ name: "x", type: "x", size: EXTRA_BYTES_MAX + 1 }),
    /extra headers have more than 1048576 bytes/,
  ],
};

for (const [name, [tar, message]] of Object.entries(BAD)) {
  Deno.test(`readTar() refuses ${name}`, async () => {
    assert.match(await failureOf(tar), message);
  });
}

Deno.test("readTar() refuses more entries than an image may have, also those it keeps for itself", async () => {
  const title: RawEntry = { name: "title", type: "V" };
  const tar = tarOf(title, title, entry.file("a"), title);
  const counted = async (entriesMax: number): Promise<string[]> => {
    const paths: string[] = [];
    for await (const { path } of readTar(inPieces(tar), entriesMax)) paths.push(path);
    return paths;
  };
  assert.deepEqual(await counted(4), ["a"]);
  await assert.rejects(counted(3), /it has more than 3 entries/);
});
