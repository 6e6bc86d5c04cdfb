import assert from "node:assert/strict";
import { join } from "node:path";
import { inFolder, names, payload } from "./_publish_room.ts";
import { publishLinks } from "./publish_links.ts";

const KEEP = { keepPrevious: true };
const DROP = { keepPrevious: false };

function generations(folder: string): string[] {
  return names(folder).filter((name) => /^\.\.\d/.test(name));
}

Deno.test("publishLinks() lays a volume out as a kubelet does", () =>
  inFolder(async (folder) => {
    const files = payload({ podName: "foo", "user/labels": "bar", "user/k8s/annotations": "baz" });
    assert.equal(await publishLinks(folder, files, DROP), true);
    const [generation = ""] = generations(folder);
    assert.match(generation, /^\.\.\d{4}_\d\d_\d\d_\d\d_\d\d_\d\d\.\d{10}$/);
    assert.deepEqual(names(folder), ["..data", "podName", "user", generation].sort());
    assert.equal(await Deno.readLink(join(folder, "..data")), generation);
    assert.equal(await Deno.readLink(join(folder, "user")), join("..data", "user"));
    assert.equal(await Deno.readTextFile(join(folder, "user/k8s/annotations")), "baz");
  }));

Deno.test("publishLinks() leaves a reader that is on its way what it has found, until the next call", () =>
  inFolder(async (folder) => {
    await publishLinks(folder, payload({ a: "1", b: "1" }), DROP);
    // One look at ..data, then both files: this is how a careful reader reads.
    const found = join(folder, await Deno.readLink(join(folder, "..data")));
    await publishLinks(folder, payload({ a: "2", c: "2" }), DROP);
    assert.equal(await Deno.readTextFile(join(found, "a")), "1");
    assert.equal(await Deno.readTextFile(join(found, "b")), "1");
    assert.equal(await publishLinks(folder, payload({ a: "2", c: "2" }), DROP), false);
    assert.equal(generations(folder).length, 1);
    await assert.rejects(Deno.stat(found), Deno.errors.NotFound);
  }));

Deno.test("publishLinks() never shows a reader half of a change", () =>
  inFolder(async (folder) => {
    const files: Record<string, string> = { a: "0", b: "0" };
    await publishLinks(folder, payload(files), DROP);
    let done = false;
    const writing = (async () => {
      for (let round = 1; round <= 50; round++) {
        files["a"] = files["b"] = String(round);
        files[`new-${round}`] = String(round);
        await publishLinks(folder, payload(files), KEEP);
      }
    })().finally(() => done = true);
    let looks = 0;
    try {
      for (; !done; looks++) {
        const now = join(folder, await Deno.readLink(join(folder, "..data")));
        const a = await Deno.readTextFile(join(now, "a"));
        assert.equal(await Deno.readTextFile(join(now, "b")), a);
        // What a listing shows can be opened: no name comes before its content.
        const shown = names(folder).filter((name) => !name.startsWith(".."));
        for (const name of shown) await Deno.stat(join(folder, name));
      }
    } finally {
      await writing;
    }
    assert.ok(looks > 0);
    assert.equal(await Deno.readTextFile(join(folder, "a")), "50");
  }));

Deno.test("publishLinks() keeps earlier files for those who mount a part", () =>
  inFolder(async (folder) => {
    await publishLinks(folder, payload({ a: "1" }), KEEP);
    const first = await Deno.realPath(join(folder, "a"));
    await publishLinks(folder, payload({ a: "2" }), KEEP);
    assert.equal(await Deno.readTextFile(first), "1");
    assert.equal(await Deno.readTextFile(join(folder, "a")), "2");
    await publishLinks(folder, payload({ a: "3" }), DROP);
    await publishLinks(folder, payload({ a: "3" }), DROP);
    assert.equal(generations(folder).length, 1);
  }));

Deno.test("publishLinks() goes on after a crash at any step", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(join(folder, "..2020_01_01_00_00_00.0000000001"));
    await Deno.symlink("..data/a", join(folder, "a"));
    await Deno.symlink("..2020_01_01_00_00_00.0000000001", join(folder, "..data_tmp"));
    await Deno.symlink("..2019_01_01_00_00_00.0000000001", join(folder, "..data"));
    await publishLinks(folder, payload({ a: "1" }), DROP);
    assert.equal(await Deno.readTextFile(join(folder, "a")), "1");
    assert.equal(generations(folder).length, 1);
    assert.equal(names(folder).includes("..data_tmp"), false);
  }));

Deno.test("publishLinks() makes nothing anew when nothing changed, and keeps the last files until the next call", () =>
  inFolder(async (folder) => {
    await publishLinks(folder, payload({ "a/b": "1", c: "2" }), DROP);
    const before = generations(folder);
    assert.equal(await publishLinks(folder, payload({ "a/b": "1", c: "2" }), DROP), false);
    assert.deepEqual(generations(folder), before);
    assert.equal(await publishLinks(folder, payload({ "a/b": "2" }), DROP), true);
    assert.deepEqual(generations(folder).filter((name) => before.includes(name)), before);
  }));

Deno.test("publishLinks() leaves the old files in place when it fails", () =>
  inFolder(async (folder) => {
    await publishLinks(folder, payload({ a: "1" }), DROP);
    // A path as long as the API allows, which the folder's own makes too long for the system.
    const tooLong = `${`${"x".repeat(250)}/`.repeat(16)}${"x".repeat(79)}`;
    await assert.rejects(publishLinks(folder, payload({ a: "2", [tooLong]: "" }), DROP));
    assert.equal(await Deno.readTextFile(join(folder, "a")), "1");
    assert.equal(generations(folder).length, 1);
  }));
