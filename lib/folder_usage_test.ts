import assert from "node:assert/strict";
import { join } from "node:path";
import { removeTree } from "./files.ts";
import { folderUsage } from "./folder_usage.ts";
import { sleep } from "./time.ts";

const { signal } = new AbortController();

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work(folder);
  } finally {
    await removeTree(folder);
  }
}

Deno.test("folderUsage() counts files at any depth, once under two names, and follows no link", () =>
  inFolder(async (folder) => {
    const deep = join(folder, "a/b");
    await Deno.mkdir(deep, { recursive: true });
    const before = (await folderUsage(folder, { signal })).bytes;
    await Deno.writeFile(join(deep, "f"), new Uint8Array(1 << 20).fill(1));
    await Deno.link(join(deep, "f"), join(folder, "same"));
    await Deno.symlink("/usr", join(folder, "out"));
    const { bytes, inodes, whole } = await folderUsage(folder, { signal });
    assert.ok(bytes - before >= 1 << 20, String(bytes - before));
    assert.ok(bytes - before < 1.2 * (1 << 20), String(bytes - before));
    assert.equal(inodes, 4, "a, b, f, out");
    assert.ok(whole);
  }));

Deno.test("folderUsage() counts nothing for holes, and nothing for what is not there", () =>
  inFolder(async (folder) => {
    using file = await Deno.open(join(folder, "sparse"), { create: true, write: true });
    await file.truncate(1 << 30);
    assert.ok((await folderUsage(folder, { signal })).bytes < 1 << 20);
    const none = await folderUsage(join(folder, "none"), { signal });
    assert.deepEqual([none.bytes, none.inodes, none.whole], [0, 0, true]);
    assert.equal((await folderUsage(join(folder, "sparse"), { signal })).whole, true, "a file");
  }));

Deno.test("folderUsage() says when there is more than it counts", () =>
  inFolder(async (folder) => {
    for (let index = 0; index < 200; index++) {
      await Deno.writeTextFile(join(folder, `${index}`), "");
    }
    assert.equal((await folderUsage(folder, { signal, entriesMax: 200 })).whole, true);
    assert.equal((await folderUsage(folder, { signal, entriesMax: 199 })).whole, false);
  }));

Deno.test("folderUsage() says when a folder lies too deep to be looked at", () =>
  inFolder(async (folder) => {
    // As a guest does it: folder by folder, so that the whole path is longer than any path may be.
    const name = "d".repeat(250);
    const script =
      `for (let i = 0; i < 20; i++) { Deno.mkdirSync("${name}"); Deno.chdir("${name}"); }`;
    const { success } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", script],
      cwd: folder,
    }).output();
    assert.ok(success);
    assert.equal((await folderUsage(folder, { signal })).whole, false);
  }));

Deno.test("folderUsage() ends when it is told to", () =>
  inFolder(async (folder) => {
    const stopped = AbortSignal.abort(new Error("the pod ends"));
    await assert.rejects(folderUsage(folder, { signal: stopped }), /the pod ends/);
  }));

Deno.test("folderUsage() leaves out what was there before, unless it has changed since", () =>
  inFolder(async (folder) => {
    const [old, changed] = [join(folder, "old"), join(folder, "changed")];
    for (const path of [old, changed]) await Deno.writeTextFile(path, "x");
    const afterMs = (await Deno.stat(changed)).mtime!.getTime();
    const nextSecondMs = Math.ceil((afterMs + 1) / 1000) * 1000;
    while (Date.now() <= nextSecondMs) await sleep(nextSecondMs + 5 - Date.now());
    await Deno.writeTextFile(changed, "y");
    await Deno.utime(changed, 0, 0); // which a guest can do as well
    const { inodes, whole } = await folderUsage(folder, { afterMs, signal, entriesMax: 1 });
    assert.deepEqual([inodes, whole], [1, true], "an old file takes nothing of what is counted");
    assert.equal((await folderUsage(folder, { signal })).inodes, 2);
  }));
