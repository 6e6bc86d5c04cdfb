import assert from "node:assert/strict";
import { join } from "node:path";
import { removeTree } from "../files.ts";
import { inFolder, names, payload } from "./_publish_room.ts";
import { publishLinks } from "./publish_links.ts";
import { publishPlain } from "./publish_plain.ts";

/** Everything below a folder that is no folder, with a star for what is no plain file. */
function entries(folder: string, prefix = ""): string[] {
  return [...Deno.readDirSync(join(folder, prefix))].flatMap(({ name, isDirectory, isFile }) => {
    if (isDirectory) return entries(folder, `${prefix}${name}/`);
    return [`${prefix}${name}${isFile ? "" : "*"}`];
  }).sort();
}

Deno.test("publishPlain() makes files and folders only", () =>
  inFolder(async (folder) => {
    await publishPlain(folder, payload({ podName: "foo", "user/k8s/annotations": "baz" }));
    assert.deepEqual(entries(folder), ["podName", "user/k8s/annotations"]);
    assert.equal(await Deno.readTextFile(join(folder, "user/k8s/annotations")), "baz");
  }));

Deno.test("publishPlain() takes over a folder of links", () =>
  inFolder(async (folder) => {
    const files = payload({ token: "1", "dir/x": "1" });
    await publishLinks(folder, files, { keepPrevious: true });
    await publishLinks(folder, payload({ token: "2", gone: "2" }), { keepPrevious: true });
    assert.equal(await publishPlain(folder, files), true);
    assert.deepEqual(entries(folder), ["dir/x", "token"]);
    assert.equal(await publishPlain(folder, files), false);
  }));

Deno.test("publishPlain() follows no link", () =>
  inFolder(async (outside) => {
    await Deno.writeTextFile(join(outside, "x"), "1");
    await inFolder(async (folder) => {
      await Deno.symlink(outside, join(folder, "dir"));
      await Deno.symlink(join(outside, "x"), join(folder, "x"));
      await publishPlain(folder, payload({ "dir/x": "2", x: "2" }));
      assert.deepEqual(entries(folder), ["dir/x", "x"]);
    });
    assert.equal(await Deno.readTextFile(join(outside, "x")), "1");
  }));

Deno.test("publishPlain() never shows a reader half of a file", () =>
  inFolder(async (folder) => {
    const text = (round: number): string => `${round}\n`.repeat(20_000);
    await publishPlain(folder, payload({ a: text(100) }));
    let done = false;
    const writing = (async () => {
      for (let round = 101; round <= 140; round++) {
        await publishPlain(folder, payload({ a: text(round) }));
      }
    })().finally(() => done = true);
    let looks = 0;
    try {
      for (; !done; looks++) {
        const read = await Deno.readTextFile(join(folder, "a"));
        assert.equal(read, text(Number(read.slice(0, 3))));
      }
    } finally {
      await writing;
    }
    assert.ok(looks > 0);
  }));

Deno.test("publishPlain() tries a file that a reader has open the next time, and does the others", () =>
  inFolder(async (folder) => {
    await publishPlain(folder, payload({ a: "1", b: "1", c: "1", gone: "1", stays: "1" }));
    const held = new Set(["b", "stays"].map((name) => join(folder, name)));
    const busy = async (path: string, deed: () => Promise<void>): Promise<void> => {
      if (held.has(path)) throw new Error("used by another process. (os error 32)");
      await deed();
    };
    const files = {
      rename: (from: string, to: string) => busy(to, () => Deno.rename(from, to)),
      remove: (path: string) => busy(path, () => removeTree(path)),
    };
    const next = payload({ a: "2", b: "2", c: "2", d: "2" });
    await assert.rejects(publishPlain(folder, next, files), {
      code: "volume",
      message: /^Cannot replace file "b": .*os error 32.*; .*os error 32/,
    });
    assert.deepEqual(entries(folder), ["a", "b", "c", "d", "stays"]);
    const read = (name: string): Promise<string> => Deno.readTextFile(join(folder, name));
    assert.deepEqual(await Promise.all(["a", "b", "c", "d"].map(read)), ["2", "1", "2", "2"]);
    held.clear();
    assert.equal(await publishPlain(folder, next, files), true);
    assert.equal(await read("b"), "2");
    assert.deepEqual(names(folder), ["a", "b", "c", "d"]);
  }));

Deno.test("publishPlain() removes what a crash has left, without a change for readers", () =>
  inFolder(async (folder) => {
    await publishPlain(folder, payload({ a: "1" }));
    await Deno.writeTextFile(join(folder, "..new-0"), "half");
    assert.equal(await publishPlain(folder, payload({ a: "1" })), false);
    assert.deepEqual(names(folder), ["a"]);
  }));

Deno.test("publishPlain() refuses names that Windows cannot have or tell apart", () =>
  inFolder(async (folder) => {
    for (const path of ["nul", "etc/CON.txt", "a:b", "dir./x", "x "]) {
      await assert.rejects(publishPlain(folder, payload({ ok: "1", [path]: "" })), {
        code: "volume",
        message: /is no name on this system$/,
      }, path);
    }
    for (const [one, two] of [["a", "A"], ["dir/x", "Dir/y"], ["dir", "DIR/x"]] as const) {
      await assert.rejects(publishPlain(folder, payload({ [one]: "", [two]: "" })), {
        message: /is the same as ".*" on this system$/,
      }, two);
    }
    assert.deepEqual(names(folder), []);
  }));

Deno.test("publishPlain() spells a name anew", () =>
  inFolder(async (folder) => {
    await publishPlain(folder, payload({ Name: "1" }));
    assert.equal(await publishPlain(folder, payload({ name: "1" })), true);
    assert.deepEqual(names(folder), ["name"]);
  }));
