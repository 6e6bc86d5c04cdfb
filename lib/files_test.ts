import assert from "node:assert/strict";
import { join } from "node:path";
import { namesIn, removeTree } from "./files.ts";

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work(folder);
  } finally {
    await removeTree(folder);
  }
}

/**
 * Makes a chain of folders in `folder` that no path can name: chains that can be named, each moved
 * into the end of the next. A file lies in every link.
 */
async function nest(
  folder: string,
  { chains, length }: { chains: number; length: number },
): Promise<void> {
  const chain = Array<string>(length).fill("d").join("/");
  for (let made = 0; made < chains; made++) {
    const next = join(folder, "next");
    await Deno.mkdir(join(next, chain), { recursive: true });
    await Deno.writeTextFile(join(next, chain, "file"), "");
    if (made > 0) await Deno.rename(join(folder, "tree"), join(next, chain, "tree"));
    await Deno.rename(next, join(folder, "tree"));
  }
}

Deno.test("removeTree() removes files, links and folders, and is content with nothing", () =>
  inFolder(async (folder) => {
    await removeTree(join(folder, "nothing"));
    await Deno.writeTextFile(join(folder, "file"), "");
    await removeTree(join(folder, "file"));
    await Deno.mkdir(join(folder, "empty"));
    await removeTree(join(folder, "empty"));
    await Deno.mkdir(join(folder, "a/b/c"), { recursive: true });
    for (const name of ["a/1", "a/b/1", "a/b/2", "a/b/c/1"]) {
      await Deno.writeTextFile(join(folder, name), "");
    }
    await removeTree(join(folder, "a"));
    assert.deepEqual(await namesIn(folder), []);
  }));

Deno.test("removeTree() follows no link", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(join(folder, "kept"));
    await Deno.writeTextFile(join(folder, "kept/file"), "");
    await Deno.mkdir(join(folder, "tree/a/b"), { recursive: true });
    for (const link of ["link", "tree/link", "tree/a/link", "tree/a/b/link"]) {
      await Deno.symlink(join(folder, "kept"), join(folder, link));
    }
    await Deno.symlink("nowhere", join(folder, "tree/a/broken"));
    await removeTree(join(folder, "tree"));
    await removeTree(join(folder, "link"));
    assert.deepEqual(await namesIn(folder), ["kept"]);
    assert.deepEqual(await namesIn(join(folder, "kept")), ["file"]);
  }));

// In a process of its own, because the runtime's recursive removal ends the process.
Deno.test("removeTree() removes folders at a depth that no path and no stack has room for", () =>
  inFolder(async (folder) => {
    await nest(folder, { chains: 110, length: 150 });
    const program = `import { removeTree } from "${import.meta.resolve("./files.ts")}";
      await removeTree(Deno.args[0]);`;
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", `data:text/typescript,${encodeURIComponent(program)}`, `${folder}/tree`],
      stdin: "null",
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    assert.deepEqual(await namesIn(folder), []);
  }));

Deno.test("removeTree() removes more files than it holds in hand at once", () =>
  inFolder(async (folder) => {
    for (const parent of ["tree", "tree/a", "tree/a/b"]) {
      await Deno.mkdir(join(folder, parent));
      for (let at = 0; at < 100; at++) await Deno.writeTextFile(join(folder, parent, `${at}`), "");
    }
    await removeTree(join(folder, "tree"));
    assert.deepEqual(await namesIn(folder), []);
  }));

Deno.test("removeTree() does not mind what vanishes meanwhile", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(join(folder, "tree/a"), { recursive: true });
    const paths = Array.from({ length: 300 }, (_, at) => join(folder, "tree/a", `${at}`));
    for (const path of paths) await Deno.writeTextFile(path, "");
    const others = paths.reverse().map((path) => Deno.remove(path).catch(() => {}));
    await Promise.all([removeTree(join(folder, "tree")), ...others]);
    assert.deepEqual(await namesIn(folder), []);
  }));

// The superuser is not bound by rights and passes in any case; everybody else has to earn it.
Deno.test("removeTree() removes folders that may not be read or changed", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(join(folder, "tree/a/b/c/d"), { recursive: true });
    await Deno.writeTextFile(join(folder, "tree/a/b/file"), "");
    for (const closed of ["tree/a/b/c", "tree/a/b", "tree/a", "tree"]) {
      await Deno.chmod(join(folder, closed), 0o000);
    }
    await removeTree(join(folder, "tree"));
    assert.deepEqual(await namesIn(folder), []);
  }));

Deno.test("namesIn() names what is in a folder, and nothing of none", () =>
  inFolder(async (folder) => {
    assert.deepEqual(await namesIn(join(folder, "nothing")), []);
    await Deno.mkdir(join(folder, "a/b"), { recursive: true });
    assert.deepEqual(await namesIn(folder), ["a"]);
  }));
