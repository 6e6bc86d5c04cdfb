import assert from "node:assert/strict";
import { FILETYPE, OFLAG, RIGHT } from "../abi.ts";
import { testHosts } from "../testing/probe.ts";

const CREATE = { oflags: OFLAG.creat };

testHosts("path_open() creates, excludes, truncates", (probe, { box }) => {
  assert.equal(probe.open(3, "file"), "noent");
  probe.write(probe.mustOpen(3, "file", CREATE), "text");
  assert.equal(probe.open(3, "file", { oflags: OFLAG.creat | OFLAG.excl }), "exist");
  assert.equal(probe.read(probe.mustOpen(3, "file", CREATE), 9), '"text"');
  probe.mustOpen(3, "file", { oflags: OFLAG.trunc });
  assert.equal(Deno.statSync(`${box}/file`).size, 0);
  assert.equal(probe.open(3, "file", { oflags: OFLAG.directory }), "notdir");
  assert.equal(probe.open(3, "file/x"), "notdir");
  assert.equal(probe.open(3, "file/"), "notdir");
  assert.equal(probe.open(3, "x", { oflags: OFLAG.creat | OFLAG.directory }), "inval");
  assert.equal(probe.open(3, "x", { oflags: 16 }), "inval");
  assert.equal(probe.open(3, "x/", CREATE), "isdir");
});

testHosts("path_open() opens directories, to look into and not to write", (probe) => {
  assert.equal(probe.mkdir(3, "dir"), "success");
  const dir = probe.mustOpen(3, "dir", { rights: RIGHT.fdRead, oflags: OFLAG.directory });
  probe.write(probe.mustOpen(dir, "inner", CREATE), "in");
  assert.equal(probe.read(probe.mustOpen(3, "dir/../dir/./inner"), 9), '"in"');
  assert.equal(probe.open(3, "dir", { rights: RIGHT.fdWrite }), "isdir");
  assert.equal(probe.open(probe.mustOpen(3, "dir/inner"), "x"), "notdir");
  assert.equal(probe.open(77, "x"), "badf");
});

testHosts("names: too long, not UTF-8, with a NUL, empty", (probe) => {
  assert.equal(probe.open(3, "x".repeat(256), CREATE), "nametoolong");
  assert.equal(probe.open(3, "x/".repeat(2_100)), "nametoolong");
  assert.equal(probe.open(3, new Uint8Array([0x66, 0xff])), "ilseq");
  assert.equal(probe.open(3, "a\0b", CREATE), "inval");
  assert.equal(probe.open(3, "", CREATE), "noent");
  probe.mustOpen(3, "žluťoučký 🐎", CREATE);
});

testHosts("directories are made and removed", (probe, { box }) => {
  assert.equal(probe.mkdir(3, "a/"), "success");
  assert.equal(probe.mkdir(3, "a"), "exist");
  assert.equal(probe.mkdir(3, "a/b"), "success");
  assert.equal(probe.mkdir(3, "no/b"), "noent");
  assert.equal(probe.rmdir(3, "a"), "notempty");
  assert.equal(probe.rmdir(3, "a/b/.."), "notempty");
  assert.equal(probe.rmdir(3, "a/b/."), "inval");
  assert.equal(probe.unlink(3, "a/b"), "isdir");
  assert.equal(probe.rmdir(3, "a/b"), "success");
  probe.mustOpen(3, "file", CREATE);
  assert.equal(probe.rmdir(3, "file"), "notdir");
  assert.equal(probe.unlink(3, "file/"), "notdir");
  assert.equal(probe.unlink(3, "file"), "success");
  assert.equal(probe.unlink(3, "file"), "noent");
  assert.equal(probe.rmdir(3, "a/"), "success");
  assert.deepEqual([...Deno.readDirSync(box)], []);
});

testHosts("path_rename() replaces files and empty directories", (probe, { box }) => {
  probe.write(probe.mustOpen(3, "a", CREATE), "a");
  probe.mustOpen(3, "b", CREATE);
  probe.mkdir(3, "d");
  const dir = probe.mustOpen(3, "d", { rights: RIGHT.fdRead });
  assert.equal(probe.move("rename", [3, "a"], [3, "b"]), "success");
  assert.equal(probe.move("rename", [3, "b"], [dir, "c"]), "success");
  assert.equal(Deno.readTextFileSync(`${box}/d/c`), "a");
  assert.equal(probe.move("rename", [3, "nothing"], [3, "x"]), "noent");
  assert.equal(probe.move("rename", [dir, "c"], [3, "x/"]), "notdir");
  assert.equal(probe.move("rename", [3, "d/."], [3, "e"]), "busy");
  assert.equal(probe.move("rename", [3, "d/"], [3, "e/"]), "success");
  assert.equal(Deno.readTextFileSync(`${box}/e/c`), "a");
});

testHosts("path_link() makes a second name and follows nothing", (probe) => {
  probe.mustOpen(3, "a", CREATE);
  assert.equal(probe.move("link", [3, "a"], [3, "b"]), "success");
  const [a, b] = [probe.stat(3, "a"), probe.stat(3, "b")];
  assert.ok(typeof a !== "string" && typeof b !== "string");
  assert.deepEqual([a.ino, a.nlink], [b.ino, 2n]);
  assert.equal(probe.move("link", [3, "a"], [3, "b"]), "exist");
  probe.mkdir(3, "d");
  assert.equal(probe.move("link", [3, "d"], [3, "e"]), "perm");
  probe.symlink("a", 3, "s");
  assert.equal(probe.move("link", [3, "s"], [3, "t"]), "success");
  assert.equal(probe.readlink(3, "t"), "→ a");
});

testHosts("symbolic links are made, read and followed inside", (probe) => {
  probe.write(probe.mustOpen(3, "file", CREATE), "text");
  probe.mkdir(3, "dir");
  assert.equal(probe.symlink("../file", 3, "dir/link"), "success");
  assert.equal(probe.symlink("x", 3, "dir/link"), "exist");
  assert.equal(probe.symlink("dir", 3, "way"), "success");
  assert.equal(probe.readlink(3, "way/link"), "→ ../file");
  assert.equal(probe.readlink(3, "file"), "inval");
  assert.equal(probe.read(probe.mustOpen(3, "way/link"), 9), '"text"');
  assert.equal(probe.open(3, "way/link", { follow: false }), "loop");
  const link = probe.stat(3, "way/link", { follow: false });
  const file = probe.stat(3, "way/link");
  assert.ok(typeof link !== "string" && typeof file !== "string");
  assert.deepEqual([link.filetype, file.filetype], [FILETYPE.symbolicLink, FILETYPE.regularFile]);
  assert.equal(probe.symlink("loop", 3, "loop"), "success");
  assert.equal(probe.open(3, "loop"), "loop");
  assert.equal(probe.symlink("made", 3, "dangling"), "success");
  assert.equal(probe.open(3, "dangling"), "noent");
  probe.mustOpen(3, "dangling", CREATE);
  assert.ok(typeof probe.stat(3, "made") !== "string");
  assert.equal(probe.open(3, "dangling", { oflags: OFLAG.creat | OFLAG.excl }), "exist");
});

testHosts("path_filestat_set_times() follows a link only when told", (probe) => {
  probe.mustOpen(3, "file", CREATE);
  probe.symlink("file", 3, "link");
  const set = (follow: number, ms: bigint, path: string): string =>
    probe.path("path_filestat_set_times", path, {
      before: [3, follow],
      after: [0n, ms * 1_000_000n, 4],
    });
  const mtim = (path: string): bigint => {
    const stat = probe.stat(3, path, { follow: false });
    assert.ok(typeof stat !== "string");
    return stat.mtim / 1_000_000n;
  };
  assert.equal(set(1, 111n, "link"), "success");
  assert.equal(mtim("file"), 111n);
  assert.equal(set(0, 222n, "link"), "success");
  assert.deepEqual([mtim("file"), mtim("link")], [111n, 222n]);
  assert.equal(set(0, 333n, "."), "success");
  assert.equal(mtim("."), 333n);
  assert.equal(set(1, 1n, "nothing"), "noent");
});

testHosts("a read-only preopen can be read, and nothing else", (probe, { box }) => {
  Deno.mkdirSync(`${box}/dir`);
  Deno.writeTextFileSync(`${box}/file`, "text");
  const read = { rights: RIGHT.fdRead };
  assert.equal(probe.read(probe.mustOpen(3, "file", read), 9), '"text"');
  const dir = probe.mustOpen(3, "dir", read);
  for (const fd of [3, dir]) {
    assert.equal(probe.open(fd, "new", { ...CREATE, ...read }), "rofs");
    assert.equal(probe.mkdir(fd, "new"), "rofs");
    assert.equal(probe.rmdir(fd, "new"), "rofs");
    assert.equal(probe.symlink("x", fd, "new"), "rofs");
    assert.equal(probe.unlink(fd, "x"), "rofs");
    assert.equal(probe.call("fd_filestat_set_times", fd, 0n, 0n, 8), "rofs");
  }
  assert.equal(probe.open(3, "file"), "rofs");
  assert.equal(probe.open(3, "file", { ...read, oflags: OFLAG.trunc }), "rofs");
  assert.equal(probe.move("rename", [3, "file"], [3, "x"]), "rofs");
  assert.equal(probe.move("link", [3, "file"], [3, "x"]), "rofs");
  const fd = probe.mustOpen(3, "file", read);
  assert.equal(probe.call("fd_filestat_set_size", fd, 0n), "rofs");
  assert.equal(probe.call("fd_filestat_set_times", fd, 0n, 0n, 8), "rofs");
  assert.equal(probe.write(fd, "x"), "badf");
  assert.equal(Deno.readTextFileSync(`${box}/file`), "text");
}, { readOnly: true });
