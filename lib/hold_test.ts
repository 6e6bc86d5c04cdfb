import assert from "node:assert/strict";
import { join } from "node:path";
import { namesIn } from "./files.ts";
import { type Held, hold, holdByPath } from "./hold.ts";

const linux = Deno.build.os === "linux";
const WAYS = { hold, holdByPath };

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    await Deno.mkdir(join(folder, "real/deep"), { recursive: true });
    await Deno.writeTextFile(join(folder, "real/file"), "text");
    await Deno.symlink("real", join(folder, "link"));
    await Deno.symlink("nowhere", join(folder, "broken"));
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function textOf(held: Held): Promise<string> {
  const file = await held.openFile();
  try {
    return await file.readFile({ encoding: "utf8" });
  } finally {
    await file.close();
  }
}

function modeAt(path: string): number {
  return Deno.statSync(path).mode! & 0o777;
}

for (const [name, take] of Object.entries(WAYS)) {
  Deno.test(`${name}() tells what a path leads to, and where that lies`, () =>
    inFolder(async (folder) => {
      await using file = await take(join(folder, "link/file"));
      assert.equal(file.path, join(folder, "real/file"));
      assert.equal(file.kind, "file");
      assert.equal(await textOf(file), "text");
      await using link = await take(join(folder, "link"));
      assert.deepEqual([link.path, link.kind], [join(folder, "real"), "folder"]);
      await assert.rejects(link.openFile(), /it is no regular file/);
      await using deep = await link.below("deep");
      assert.equal(deep?.path, join(folder, "real/deep"));
      assert.equal(await link.below("none"), undefined);
      await assert.rejects(take(join(folder, "none")), /ENOENT|No such file/);
    }));

  Deno.test(`${name}() reports a link to nothing as missing, and makes nothing behind it`, () =>
    inFolder(async (folder) => {
      await using here = await take(folder);
      assert.equal(await here.below("broken"), undefined);
      assert.equal(await here.makeFolder("broken", 0o755), false);
      assert.equal(await here.below("broken"), undefined);
    }));

  Deno.test({
    name: `${name}() makes folders as open as asked for, and leaves others alone`,
    ignore: Deno.build.os === "windows",
    fn: () =>
      inFolder(async (folder) => {
        await using here = await take(join(folder, "link"));
        assert.equal(await here.makeFolder("new", 0o777), true);
        assert.equal(modeAt(join(folder, "real/new")), 0o777);
        assert.equal(await here.makeFolder("new", 0o700), false);
        assert.equal(modeAt(join(folder, "real/new")), 0o777);
      }),
  });
}

Deno.test({
  name: "hold() on Linux goes on with what was taken, whatever its name is given to",
  ignore: !linux,
  fn: () =>
    inFolder(async (folder) => {
      await using here = await hold(join(folder, "real"));
      await using file = await hold(join(folder, "real/file"));
      await Deno.rename(join(folder, "real"), join(folder, "moved"));
      await Deno.mkdir(join(folder, "elsewhere"));
      await Deno.symlink("elsewhere", join(folder, "real"));
      assert.equal(await here.makeFolder("new", 0o700), true);
      assert.deepEqual(await namesIn(join(folder, "elsewhere")), []);
      await using made = await here.below("new");
      assert.equal(made?.path, join(folder, "moved/new"));
      assert.equal(await textOf(file), "text");
    }),
});

Deno.test("holdByPath() notices that something else is there by now", () =>
  inFolder(async (folder) => {
    await using here = await holdByPath(join(folder, "real"));
    await using file = await holdByPath(join(folder, "real/file"));
    await Deno.rename(join(folder, "real"), join(folder, "moved"));
    await Deno.mkdir(join(folder, "elsewhere"));
    await Deno.writeTextFile(join(folder, "elsewhere/file"), "other");
    await Deno.symlink("elsewhere", join(folder, "real"));
    await assert.rejects(here.makeFolder("new", 0o700), { name: "SwappedError" });
    await assert.rejects(here.below("file"), { name: "SwappedError" });
    await assert.rejects(file.openFile(), { name: "SwappedError" });
    assert.deepEqual(await namesIn(join(folder, "elsewhere")), ["file"]);
  }));

Deno.test({
  name: "hold() takes pipes and devices without opening them",
  ignore: !linux,
  fn: () =>
    inFolder(async (folder) => {
      await new Deno.Command("mkfifo", { args: [join(folder, "pipe")] }).output();
      for (const path of [join(folder, "pipe"), "/dev/null"]) {
        await using held = await hold(path);
        assert.equal(held.kind, "other");
        await assert.rejects(held.openFile(), /it is no regular file/);
      }
    }),
});
