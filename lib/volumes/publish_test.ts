import assert from "node:assert/strict";
import { join } from "node:path";
import { type Payload, publish } from "./publish.ts";

function payload(files: Record<string, string>, mode = 0o644): Payload {
  const encoder = new TextEncoder();
  return new Map(
    Object.entries(files).map(([path, text]) => [path, { bytes: encoder.encode(text), mode }]),
  );
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map((entry) => entry.name).sort();
}

function generations(folder: string): string[] {
  return names(folder).filter((name) => /^\.\.\d/.test(name));
}

Deno.test("publish() lays a volume out as a kubelet does", () =>
  inFolder(async (folder) => {
    const files = payload({ podName: "foo", "user/labels": "bar", "user/k8s/annotations": "baz" });
    assert.equal(await publish(folder, files), true);
    const [generation = ""] = generations(folder);
    assert.match(generation, /^\.\.\d{4}_\d\d_\d\d_\d\d_\d\d_\d\d\.\d{10}$/);
    assert.deepEqual(names(folder), ["..data", "podName", "user", generation].sort());
    assert.equal(await Deno.readLink(join(folder, "..data")), generation);
    assert.equal(await Deno.readLink(join(folder, "user")), join("..data", "user"));
    assert.equal(await Deno.readTextFile(join(folder, "user/k8s/annotations")), "baz");
  }));

Deno.test("publish() gives files their mode, whatever the umask", () =>
  inFolder(async (folder) => {
    await publish(folder, new Map([...payload({ a: "" }, 0o666), ...payload({ b: "" }, 0o440)]));
    assert.equal((await Deno.stat(join(folder, "a"))).mode! & 0o777, 0o666);
    assert.equal((await Deno.stat(join(folder, "b"))).mode! & 0o777, 0o440);
  }));

Deno.test("publish() changes nothing when nothing changed", () =>
  inFolder(async (folder) => {
    await publish(folder, payload({ "a/b": "1", c: "2" }));
    const before = generations(folder);
    assert.equal(await publish(folder, payload({ "a/b": "1", c: "2" })), false);
    assert.deepEqual(generations(folder), before);
  }));

Deno.test("publish() replaces, adds and removes files in one step", () =>
  inFolder(async (folder) => {
    await publish(folder, payload({ keep: "1", gone: "1", "dir/x": "1", "dir/y": "1" }));
    const before = generations(folder);
    assert.equal(await publish(folder, payload({ keep: "2", fresh: "2", "dir/y": "1" })), true);
    assert.deepEqual(generations(folder).filter((name) => before.includes(name)), before);
    assert.deepEqual(names(folder).filter((name) => !name.startsWith("..")), [
      "dir",
      "fresh",
      "keep",
    ]);
    assert.equal(await Deno.readTextFile(join(folder, "keep")), "2");
    assert.deepEqual(names(join(folder, "dir")), ["y"]);
    assert.equal(await publish(folder, new Map()), true);
    assert.deepEqual(names(folder).filter((name) => !name.startsWith("..")), []);
    assert.equal(await publish(folder, new Map()), false);
  }));

Deno.test("publish() sees files come and go in a folder that stays", () =>
  inFolder(async (folder) => {
    await publish(folder, payload({ "dir/x": "1", "dir/y": "1" }));
    assert.equal(await publish(folder, payload({ "dir/x": "1" })), true);
    assert.deepEqual(names(join(folder, "dir")), ["x"]);
    assert.equal(await publish(folder, payload({ "dir/x": "1", "dir/z": "1" })), true);
    assert.deepEqual(names(join(folder, "dir")), ["x", "z"]);
  }));

Deno.test("publish() leaves a reader that is on its way what it has found, until the next call", () =>
  inFolder(async (folder) => {
    await publish(folder, payload({ a: "1", b: "1" }));
    // One look at ..data, then both files: this is how a careful reader reads.
    const found = join(folder, await Deno.readLink(join(folder, "..data")));
    await publish(folder, payload({ a: "2", c: "2" }));
    assert.equal(await Deno.readTextFile(join(found, "a")), "1");
    assert.equal(await Deno.readTextFile(join(found, "b")), "1");
    assert.equal(await publish(folder, payload({ a: "2", c: "2" })), false);
    assert.equal(generations(folder).length, 1);
    await assert.rejects(Deno.stat(found), Deno.errors.NotFound);
  }));

Deno.test("publish() never shows a reader half of a change", () =>
  inFolder(async (folder) => {
    const files: Record<string, string> = { a: "0", b: "0" };
    await publish(folder, payload(files));
    let done = false;
    const writing = (async () => {
      for (let round = 1; round <= 50; round++) {
        files["a"] = files["b"] = String(round);
        files[`new-${round}`] = String(round);
        await publish(folder, payload(files), { keepPrevious: true });
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

Deno.test("publish() keeps earlier files for those who mount a part", () =>
  inFolder(async (folder) => {
    await publish(folder, payload({ a: "1" }), { keepPrevious: true });
    const first = await Deno.realPath(join(folder, "a"));
    await publish(folder, payload({ a: "2" }), { keepPrevious: true });
    assert.equal(await Deno.readTextFile(first), "1");
    assert.equal(await Deno.readTextFile(join(folder, "a")), "2");
    await publish(folder, payload({ a: "3" }));
    await publish(folder, payload({ a: "3" }));
    assert.equal(generations(folder).length, 1);
  }));

Deno.test("publish() goes on after a crash at any step", () =>
  inFolder(async (folder) => {
    await Deno.mkdir(join(folder, "..2020_01_01_00_00_00.0000000001"));
    await Deno.symlink("..data/a", join(folder, "a"));
    await Deno.symlink("..2020_01_01_00_00_00.0000000001", join(folder, "..data_tmp"));
    await Deno.symlink("..2019_01_01_00_00_00.0000000001", join(folder, "..data"));
    await publish(folder, payload({ a: "1" }));
    assert.equal(await Deno.readTextFile(join(folder, "a")), "1");
    assert.equal(generations(folder).length, 1);
    assert.equal(names(folder).includes("..data_tmp"), false);
  }));

Deno.test("publish() leaves the old files in place when it fails", () =>
  inFolder(async (folder) => {
    await publish(folder, payload({ a: "1" }));
    await assert.rejects(publish(folder, payload({ a: "2", b: "", "b/c": "" })));
    assert.equal(await Deno.readTextFile(join(folder, "a")), "1");
    assert.equal(generations(folder).length, 1);
  }));

Deno.test("publish() refuses paths that leave the folder or clash with its own names", () =>
  inFolder(async (folder) => {
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
        publish(folder, payload({ [path]: "" })),
        { code: "volume", message: /^invalid path/ },
        path,
      );
    }
    assert.deepEqual(names(folder), []);
    await publish(folder, payload({ "./a//b..c": "1" }));
    assert.equal(await Deno.readTextFile(join(folder, "a/b..c")), "1");
  }));
