import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { isKubeletError } from "../../errors.ts";
import { FILES_MAX } from "./limits.ts";
import { findInput } from "./input_files.ts";

async function withFolder(
  names: readonly string[],
  use: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    for (const name of names) {
      await Deno.mkdir(dirname(join(folder, name)), { recursive: true });
      await Deno.writeTextFile(join(folder, name), name);
    }
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function refuses(path: string, state: RegExp, module?: string): Promise<void> {
  await assert.rejects(findInput(path, module), (error) => {
    assert.ok(isKubeletError(error, "invalid"), String(error));
    assert.match(error.message, state);
    return true;
  });
}

Deno.test("findInput() takes a file as the module", async () => {
  await withFolder(["app.wasm", "other"], async (folder) => {
    const path = join(folder, "app.wasm");
    assert.deepEqual(await findInput(path), {
      module: { path, title: "app.wasm" },
      files: [],
      leftOut: [],
    });
    await refuses(path, /--module is for folders/, "other");
  });
});

Deno.test("findInput() takes a folder's module and all other files, in one order", async () => {
  const names = [
    "z.txt",
    "app.wasm",
    "www/b.html",
    "www/a.html",
    "www/inner.wasm",
    ".env",
    "www/.git/x",
  ];
  await withFolder(names, async (folder) => {
    const { module, files, leftOut } = await findInput(folder);
    assert.equal(module.title, "app.wasm");
    assert.deepEqual(files.map(({ title }) => title), [
      "www/a.html",
      "www/b.html",
      "www/inner.wasm",
      "z.txt",
    ]);
    assert.deepEqual(leftOut, [".env", "www/.git"]);
    assert.equal(await Deno.readTextFile(files[0]!.path), "www/a.html");
  });
});

Deno.test("findInput() asks which file is the module where that is not clear", async () => {
  await withFolder(["a.wasm", "b.wasm", "data/c"], async (folder) => {
    await refuses(folder, /several \.wasm files \(a\.wasm, b\.wasm\); choose with --module/);
    const { module, files } = await findInput(folder, "./b.wasm");
    assert.deepEqual([module.title, files.map(({ title }) => title)], ["b.wasm", [
      "a.wasm",
      "data/c",
    ]]);
    await refuses(folder, /no file "c\.wasm", which --module names/, "c.wasm");
  });
  await withFolder(["deep/a.wasm"], (folder) => refuses(folder, /no \.wasm file at its top/));
});

Deno.test("findInput() refuses what a node would refuse, or what may be private", async () => {
  await withFolder(["app.wasm", "Read.me", "read.me"], async (folder) => {
    // A file system that cannot have both has one of them.
    const names = await Array.fromAsync(Deno.readDir(folder));
    if (names.length === 3) await refuses(folder, /"Read\.me" and "read\.me" are one name/);
  });
  await withFolder(["app.wasm"], async (folder) => {
    await Deno.symlink("/etc/hostname", join(folder, "name"));
    await refuses(folder, /"name" is a link or a device/);
  });
  const many = Array.from({ length: FILES_MAX + 1 }, (_, i) => `data/${i}`);
  await withFolder(
    ["app.wasm", ...many],
    (folder) => refuses(folder, /up to 126 go beside a module/),
  );
  await withFolder(["app.wasm", ...many.slice(1)], async (folder) => {
    assert.equal((await findInput(folder)).files.length, FILES_MAX);
  });
  await refuses("/nowhere/at/all", /"\/nowhere\/at\/all": it is not there/);
});
