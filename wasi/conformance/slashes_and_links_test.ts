/** Names that end in slashes or dots, and links: dangling, looping, long chains, replaced. */
import assert from "node:assert/strict";
import { FILETYPE, OFLAG, RIGHT } from "../abi.ts";
import { LINKS_MAX } from "../limits.ts";
import { type Probe, testHosts } from "../testing/probe.ts";

const READ = { rights: RIGHT.fdRead };
const CREATE = { oflags: OFLAG.creat };

/** `file`, `dir`, links to both (`lf`, `ld`), a dangling one (`gone`) and a loop. */
function begin(probe: Probe): void {
  probe.write(probe.mustOpen(3, "file", CREATE), "text");
  probe.mkdir(3, "dir");
  for (const [name, target] of [["lf", "file"], ["ld", "dir"], ["gone", "no"], ["loop", "loop"]]) {
    assert.equal(probe.symlink(target!, 3, name!), "success");
  }
}

testHosts("slashes after a name want a directory", (probe) => {
  begin(probe);
  const kindOf = (path: string, follow: boolean): string | number => {
    const stat = probe.stat(3, path, { follow });
    return typeof stat === "string" ? stat : stat.filetype;
  };
  const { directory } = FILETYPE;
  for (const follow of [true, false]) {
    const kinds = ["file/", "lf/", "dir//", "ld/", "gone/", "loop/"].map((path) =>
      kindOf(path, follow)
    );
    assert.deepEqual(kinds, ["notdir", "notdir", directory, directory, "noent", "loop"]);
  }
  assert.equal(probe.open(3, "file/", READ), "notdir");
  assert.equal(probe.open(3, "lf//", READ), "notdir");
  assert.equal(typeof probe.open(3, "ld/", { ...READ, follow: false }), "number");
  for (const path of ["file/", "new/", "ld/", "gone/", "dir/"]) {
    assert.equal(probe.open(3, path, CREATE), "isdir", path);
  }
  assert.equal(probe.open(3, "./", { oflags: OFLAG.creat | OFLAG.excl }), "exist");
  probe.symlink("file/", 3, "slashed");
  assert.equal(probe.open(3, "slashed", READ), "notdir");
  assert.equal(probe.open(3, "slashed", CREATE), "isdir");
  assert.equal(probe.readlink(3, "lf/"), "notdir");
  assert.equal(probe.readlink(3, "ld/"), "inval");
});

testHosts("names with slashes are made and removed as directories only", (probe, { box }) => {
  begin(probe);
  assert.equal(probe.mkdir(3, "made//"), "success");
  assert.equal(probe.mkdir(3, "ld/"), "exist");
  assert.equal(probe.mkdir(3, "gone/"), "exist");
  assert.equal(probe.symlink("x", 3, "new/"), "noent");
  for (const path of ["file/", "lf/"]) assert.equal(probe.symlink("x", 3, path), "notdir", path);
  for (const path of ["dir/", "ld/", "gone/"]) {
    assert.equal(probe.symlink("x", 3, path), "exist", path);
  }
  assert.equal(probe.move("link", [3, "file"], [3, "new/"]), "noent");
  assert.equal(probe.move("link", [3, "file/"], [3, "new"]), "notdir");
  assert.equal(probe.unlink(3, "lf/"), "notdir");
  assert.equal(probe.unlink(3, "dir/"), "isdir");
  assert.equal(probe.rmdir(3, "ld/"), "notdir");
  assert.equal(probe.rmdir(3, "file/"), "notdir");
  assert.equal(probe.move("rename", [3, "file/"], [3, "new"]), "notdir");
  assert.equal(probe.move("rename", [3, "file"], [3, "new/"]), "notdir");
  assert.equal(probe.move("rename", [3, "ld/"], [3, "new"]), "notdir");
  assert.equal(probe.move("rename", [3, "made/"], [3, "moved/"]), "success");
  assert.equal(probe.rmdir(3, "moved///"), "success");
  const left = [...Deno.readDirSync(box)].map(({ name }) => name).sort();
  assert.deepEqual(left, ["dir", "file", "gone", "ld", "lf", "loop"]);
});

testHosts("dots at the end are refused by who would change the name", (probe) => {
  begin(probe);
  for (const dots of [".", "..", "./"]) {
    const path = `dir/${dots}`;
    assert.equal(probe.mkdir(3, path), "exist", path);
    assert.equal(probe.unlink(3, path), "isdir", path);
    assert.equal(probe.symlink("x", 3, path), "exist", path);
    assert.equal(probe.move("link", [3, "file"], [3, path]), "exist", path);
    assert.equal(probe.move("rename", [3, path], [3, "new"]), "busy", path);
    assert.equal(probe.move("rename", [3, "dir"], [3, path]), "busy", path);
  }
  assert.equal(probe.rmdir(3, "dir/."), "inval");
  assert.equal(probe.rmdir(3, "dir/.."), "notempty");
  assert.equal(probe.open(3, ".", CREATE), "isdir");
  assert.equal(typeof probe.open(3, "dir/..", READ), "number");
});

testHosts("a dangling link is created through, unless told otherwise", (probe, { box }) => {
  begin(probe);
  assert.equal(probe.open(3, "gone", READ), "noent");
  assert.equal(probe.open(3, "gone", { ...READ, follow: false }), "loop");
  assert.equal(probe.open(3, "gone", { ...CREATE, follow: false }), "loop");
  assert.equal(probe.open(3, "gone", { oflags: OFLAG.creat | OFLAG.excl }), "exist");
  assert.equal(probe.open(3, "gone/x", CREATE), "noent");
  probe.write(probe.mustOpen(3, "gone", CREATE), "made");
  assert.equal(Deno.readTextFileSync(`${box}/no`), "made");
});

testHosts("excl without creat says nothing about links", (probe) => {
  begin(probe);
  assert.equal(typeof probe.open(3, "lf", { oflags: OFLAG.excl }), "number");
  assert.equal(probe.open(3, "ld", { ...READ, oflags: OFLAG.directory, follow: false }), "notdir");
  assert.equal(probe.open(3, "up/x", { oflags: OFLAG.creat | OFLAG.directory }), "inval");
});

testHosts("a loop ends, and so does a chain that is too long", (probe) => {
  begin(probe);
  for (const path of ["loop", "loop/", "loop/x", "dir/../loop"]) {
    assert.equal(probe.open(3, path, READ), "loop", path);
    assert.equal(probe.mkdir(3, `${path}/x`), "loop", path);
  }
  assert.equal(probe.unlink(3, "loop"), "success");
  probe.symlink("file", 3, "chain-0");
  for (let index = 1; index <= LINKS_MAX; index++) {
    probe.symlink(`chain-${index - 1}`, 3, `chain-${index}`);
  }
  assert.equal(typeof probe.open(3, `chain-${LINKS_MAX - 1}`, READ), "number");
  assert.equal(probe.open(3, `chain-${LINKS_MAX}`, READ), "loop");
});

testHosts("rename and unlink act on links themselves", (probe) => {
  begin(probe);
  assert.equal(probe.move("rename", [3, "lf"], [3, "moved"]), "success");
  assert.equal(probe.readlink(3, "moved"), "→ file");
  assert.equal(probe.move("rename", [3, "moved"], [3, "ld"]), "success");
  assert.equal(probe.readlink(3, "ld"), "→ file");
  assert.equal(probe.unlink(3, "ld"), "success");
  assert.ok(typeof probe.stat(3, "file") !== "string");
  assert.equal(probe.move("link", [3, "gone"], [3, "second"]), "success");
  assert.equal(probe.readlink(3, "second"), "→ no");
});

testHosts("path_readlink() cuts what does not fit", (probe) => {
  probe.symlink("a-long-target", 3, "link");
  const at = probe.bytes.length - 64;
  const answer = probe.path("path_readlink", "link", { before: [3], after: [at, 6, at + 32] });
  assert.equal(answer, "success");
  assert.equal(probe.view.getUint32(at + 32, true), 6);
  assert.equal(probe.get(at, 7), "a-long\0");
});

testHosts("path_rename() says why it cannot", (probe) => {
  begin(probe);
  probe.mkdir(3, "dir/inner");
  assert.equal(probe.move("rename", [3, "dir"], [3, "dir/inner/x"]), "inval");
  assert.equal(probe.move("rename", [3, "dir"], [3, "file"]), "notdir");
  assert.equal(probe.move("rename", [3, "file"], [3, "dir"]), "isdir");
  probe.mkdir(3, "other");
  assert.equal(probe.move("rename", [3, "other"], [3, "dir"]), "notempty");
  assert.equal(probe.move("rename", [3, "file"], [3, "file"]), "success");
  assert.equal(probe.move("rename", [3, "gone/"], [3, "x"]), "notdir");
});
