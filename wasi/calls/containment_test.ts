import assert from "node:assert/strict";
import { OFLAG, RIGHT } from "../abi.ts";
import { type Probe, testHosts } from "../testing/probe.ts";

const READ = { rights: RIGHT.fdRead };

/** Everything that a path can be used for; each must refuse a way that leads out. */
function assertRefused(probe: Probe, fd: number, path: string): void {
  const answers: Record<string, unknown> = {
    open: probe.open(fd, path, READ),
    create: probe.open(fd, path, { oflags: OFLAG.creat }),
    directory: probe.open(fd, path, { ...READ, oflags: OFLAG.directory }),
    stat: probe.stat(fd, path),
    times: probe.path("path_filestat_set_times", path, { before: [fd, 1], after: [0n, 0n, 4] }),
  };
  for (const [what, answer] of Object.entries(answers)) {
    assert.equal(answer, "perm", `${what} "${path}"`);
  }
}

/** What acts on the last name itself: refused if the way to that name leads out. */
function assertNamesRefused(probe: Probe, fd: number, path: string): void {
  probe.mustOpen(3, "mine", { oflags: OFLAG.creat });
  const answers: Record<string, unknown> = {
    mkdir: probe.mkdir(fd, path),
    rmdir: probe.rmdir(fd, path),
    unlink: probe.unlink(fd, path),
    symlink: probe.symlink("mine", fd, path),
    readlink: probe.readlink(fd, path),
    lstat: probe.stat(fd, path, { follow: false }),
    "rename from": probe.move("rename", [fd, path], [3, "got"]),
    "rename to": probe.move("rename", [3, "mine"], [fd, path]),
    "link from": probe.move("link", [fd, path], [3, "got"]),
    "link to": probe.move("link", [3, "mine"], [fd, path]),
  };
  for (const [what, answer] of Object.entries(answers)) {
    assert.equal(answer, "perm", `${what} "${path}"`);
  }
}

testHosts("no path leads out: .. and absolute ones", (probe, { outer }) => {
  probe.mkdir(3, "dir");
  for (
    const path of ["../secret", "dir/../../secret", "./.././secret", "dir/../../box/../secret"]
  ) {
    assertRefused(probe, 3, path);
    assertNamesRefused(probe, 3, path);
  }
  for (const path of [`${outer}/secret`, "/secret", "//secret", "/"]) {
    assertRefused(probe, 3, path);
    assertNamesRefused(probe, 3, path);
  }
  for (const path of ["..", "../", "dir/../.."]) {
    assert.equal(probe.open(3, path, READ), "perm");
    assert.equal(probe.stat(3, path, { follow: false }), "perm");
    assert.equal(probe.rmdir(3, path), "perm");
    assert.equal(probe.mkdir(3, path), "perm");
  }
});

testHosts("no link leads out: made by a guest or by somebody else", (probe, { outer, box }) => {
  assert.equal(probe.symlink("/etc/passwd", 3, "absolute"), "perm");
  Deno.symlinkSync(`${outer}/secret`, `${box}/absolute`);
  assert.equal(probe.symlink("../secret", 3, "up"), "success");
  assert.equal(probe.symlink("up", 3, "chain"), "success");
  assert.equal(probe.symlink("./chain", 3, "chain2"), "success");
  for (const path of ["absolute", "up", "chain", "chain2"]) assertRefused(probe, 3, path);
  assert.equal(probe.symlink("..", 3, "parent"), "success");
  Deno.symlinkSync(outer, `${box}/outer`);
  for (const path of ["parent/secret", "outer/secret", "parent/box/../secret"]) {
    assertRefused(probe, 3, path);
    assertNamesRefused(probe, 3, path);
  }
  for (const path of ["parent/", "outer/", "outer/.", "outer/..", "absolute/"]) {
    assert.equal(probe.stat(3, path, { follow: false }), "perm", path);
    assert.equal(probe.readlink(3, path), "perm", path);
    assert.equal(probe.move("link", [3, path], [3, "got"]), "perm", path);
  }
  // The links themselves belong to the guest.
  assert.equal(probe.readlink(3, "up"), "→ ../secret");
  assert.equal(probe.unlink(3, "up"), "success");
  assert.equal(Deno.readTextFileSync(`${outer}/secret`), "secret");
  assert.deepEqual([...Deno.readDirSync(outer)].map(({ name }) => name).sort(), ["box", "secret"]);
});

testHosts("a directory's descriptor is its own root", (probe) => {
  probe.mkdir(3, "dir");
  probe.mustOpen(3, "sibling", { oflags: OFLAG.creat });
  const dir = probe.mustOpen(3, "dir", READ);
  assertRefused(probe, dir, "../sibling");
  assertNamesRefused(probe, dir, "../sibling");
});

testHosts("a directory that was swapped for a link does not lead out", (probe) => {
  probe.mkdir(3, "dir");
  const dir = probe.mustOpen(3, "dir", READ);
  assert.equal(probe.move("rename", [3, "dir"], [3, "moved"]), "success");
  assert.equal(probe.symlink("..", 3, "dir"), "success");
  // The kernel's descriptor still names the directory; a path cannot, and says so.
  const answer = probe.open(dir, "secret", READ);
  assert.ok(answer === "noent" || answer === "stale", String(answer));
  probe.unlink(3, "dir");
  probe.mkdir(3, "dir");
  probe.mustOpen(3, "dir/other", { oflags: OFLAG.creat });
  const other = probe.open(dir, "other", READ);
  assert.ok(other === "noent" || other === "stale", String(other));
});
