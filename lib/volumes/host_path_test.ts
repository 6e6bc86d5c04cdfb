import assert from "node:assert/strict";
import { join } from "node:path";
import { contextOf } from "./fake_room.ts";
import { hostPathVolume } from "./host_path.ts";
import type { MountedVolume } from "./source.ts";

function mount(path: string, type?: string): Promise<MountedVolume> {
  return hostPathVolume.mount({ path, ...(type === undefined ? {} : { type }) }, contextOf());
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(join(folder, "dir"));
    await Deno.writeTextFile(join(folder, "file"), "kept");
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("hostPathVolume.mount() accepts what is of the type", () =>
  inFolder(async (folder) => {
    const dir = { hostPath: join(folder, "dir"), readOnly: false, isFile: false };
    const file = { hostPath: join(folder, "file"), readOnly: false, isFile: true };
    assert.deepEqual(await mount(`${folder}/dir`), dir);
    assert.deepEqual(await mount(`${folder}/file`, ""), file);
    assert.deepEqual(await mount(`${folder}/dir`, "Directory"), dir);
    assert.deepEqual(await mount(`${folder}//dir`, "DirectoryOrCreate"), dir);
    assert.deepEqual(await mount(`${folder}/file`, "File"), file);
    assert.deepEqual(await mount(`${folder}/file`, "FileOrCreate"), file);
    assert.equal(await Deno.readTextFile(join(folder, "file")), "kept");
    assert.equal((await mount("/dev/null", "CharDevice")).isFile, true);
    using _listener = Deno.listen({ transport: "unix", path: join(folder, "sock") });
    assert.equal((await mount(`${folder}/sock`, "Socket")).isFile, true);
  }));

Deno.test("hostPathVolume.mount() makes what the type allows to make", () =>
  inFolder(async (folder) => {
    assert.equal((await mount(`${folder}/a/b`, "DirectoryOrCreate")).isFile, false);
    assert.equal((await mount(`${folder}/c/d`)).isFile, false);
    assert.equal((await mount(`${folder}/f`, "FileOrCreate")).isFile, true);
    assert.equal((await Deno.stat(join(folder, "f"))).size, 0);
    await assert.rejects(mount(`${folder}/no/f`, "FileOrCreate"));
  }));

Deno.test("hostPathVolume.mount() says what the type check found", () =>
  inFolder(async (folder) => {
    const rows: [string, string, string][] = [
      ["file", "Directory", "is not a directory"],
      ["none", "Directory", "is not a directory"],
      ["file", "DirectoryOrCreate", "is not a directory"],
      ["dir", "File", "is not a file"],
      ["none", "File", "is not a file"],
      ["dir", "FileOrCreate", "is not a file"],
      ["file", "Socket", "is not a socket file"],
      ["file", "CharDevice", "is not a character device"],
      ["file", "BlockDevice", "is not a block device"],
    ];
    for (const [name, type, problem] of rows) {
      const path = join(folder, name);
      await assert.rejects(mount(path, type), {
        code: "volume",
        message: `hostPath type check failed: ${path} ${problem}`,
      });
    }
    await assert.rejects(mount(join(folder, "dir"), "Dir"), /Dir is an invalid volume type/);
    await assert.rejects(Deno.stat(join(folder, "none")), Deno.errors.NotFound);
  }));

Deno.test("hostPathVolume.mount() refuses paths that climb or are relative", async () => {
  await assert.rejects(mount("/var/../etc"), /must not contain '\.\.'/);
  await assert.rejects(mount("var/lib"), /must be an absolute path/);
  await assert.rejects(mount(""), /must be an absolute path/);
});
