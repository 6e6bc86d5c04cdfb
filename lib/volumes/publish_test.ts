import assert from "node:assert/strict";
import { join } from "node:path";
import { inFolder, names, payload } from "./_publish_room.ts";
import { layoutOf, publish } from "./publish.ts";

Deno.test("layoutOf() asks for no links on Windows", () => {
  assert.equal(layoutOf("windows"), "plain");
  assert.equal(layoutOf("linux"), "links");
  assert.equal(layoutOf("darwin"), "links");
});

/** What a container sees at the top. */
function shown(folder: string): string[] {
  return names(folder).filter((name) => !name.startsWith(".."));
}

for (const layout of ["links", "plain"] as const) {
  const promise = (text: string, work: (folder: string) => Promise<void>): void =>
    Deno.test(`publish() with ${layout} ${text}`, () => inFolder(work));

  promise("gives files their mode, whatever the umask", async (folder) => {
    const files = new Map([...payload({ a: "" }, 0o666), ...payload({ b: "" }, 0o440)]);
    await publish(folder, files, { layout });
    assert.equal((await Deno.stat(join(folder, "a"))).mode! & 0o777, 0o666);
    assert.equal((await Deno.stat(join(folder, "b"))).mode! & 0o777, 0o440);
  });

  promise("changes nothing when nothing changed", async (folder) => {
    assert.equal(await publish(folder, payload({ "a/b": "1", c: "2" }), { layout }), true);
    const { ino } = await Deno.stat(join(folder, "a/b"));
    assert.equal(await publish(folder, payload({ "a/b": "1", c: "2" }), { layout }), false);
    assert.equal((await Deno.stat(join(folder, "a/b"))).ino, ino);
  });

  promise("replaces, adds and removes files", async (folder) => {
    const before = { keep: "1", gone: "1", "dir/x": "1", "dir/y": "1", "old/deep/z": "1" };
    await publish(folder, payload(before), { layout });
    const after = payload({ keep: "2", fresh: "2", "dir/y": "1" });
    assert.equal(await publish(folder, after, { layout }), true);
    assert.deepEqual(shown(folder), ["dir", "fresh", "keep"]);
    assert.equal(await Deno.readTextFile(join(folder, "keep")), "2");
    assert.deepEqual(names(join(folder, "dir")), ["y"]);
    assert.equal(await publish(folder, new Map(), { layout }), true);
    assert.deepEqual(shown(folder), []);
    assert.equal(await publish(folder, new Map(), { layout }), false);
  });

  promise("sees files come and go in a folder that stays", async (folder) => {
    await publish(folder, payload({ "dir/x": "1", "dir/y": "1" }), { layout });
    assert.equal(await publish(folder, payload({ "dir/x": "1" }), { layout }), true);
    assert.deepEqual(names(join(folder, "dir")), ["x"]);
    const more = payload({ "dir/x": "1", "dir/z": "1" });
    assert.equal(await publish(folder, more, { layout }), true);
    assert.deepEqual(names(join(folder, "dir")), ["x", "z"]);
  });

  promise("makes a folder of a file, and a file of a folder", async (folder) => {
    await publish(folder, payload({ "a/b/c": "1", d: "1" }), { layout });
    await publish(folder, payload({ "a/b": "2", "d/e": "2" }), { layout });
    assert.equal(await Deno.readTextFile(join(folder, "a/b")), "2");
    assert.equal(await Deno.readTextFile(join(folder, "d/e")), "2");
    assert.deepEqual(shown(folder), ["a", "d"]);
  });

  promise("refuses a file that is a folder as well, before anything changes", async (folder) => {
    await publish(folder, payload({ a: "1" }), { layout });
    const before = names(folder);
    const clash = payload({ a: "2", "b/./c": "", "b/c/d": "" });
    await assert.rejects(publish(folder, clash, { layout }), {
      code: "volume",
      message: /^invalid path "b\/c": it is the folder/,
    });
    assert.equal(await Deno.readTextFile(join(folder, "a")), "1");
    assert.deepEqual(names(folder), before);
  });

  promise("refuses paths that leave the folder or clash with its own names", async (folder) => {
    const paths = [
      "",
      ".",
      "/etc/passwd",
      "..",
      "../x",
      "a/../../x",
      "a/..",
      "..data/x",
      "..2020_01_01_00_00_00.1/x",
      "./..data",
      "a\\..\\x",
      "x".repeat(256),
      `${"x/".repeat(2_048)}x`,
    ];
    for (const path of paths) {
      await assert.rejects(
        publish(folder, payload({ [path]: "" }), { layout }),
        { code: "volume", message: /^invalid path/ },
        path,
      );
    }
    assert.deepEqual(names(folder), []);
    await publish(folder, payload({ "./a//b..c": "1" }), { layout });
    assert.equal(await Deno.readTextFile(join(folder, "a/b..c")), "1");
  });
}
