import assert from "node:assert/strict";
import { openDescriptors } from "../descriptors/open_descriptors.ts";
import type { Preopen } from "../options.ts";
import { HOSTS } from "../testing/probe.ts";
import { View } from "./view.ts";
import { ViewError } from "./view_error.ts";

const text = (value: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(value);

/** A view of `/` and, read-only, `/ro`, in a folder with a secret beside them. */
interface Scene {
  readonly view: View;
  readonly folder: string;
}

function testView(promise: string, check: (scene: Scene) => Promise<void> | void): void {
  for (const [name, host] of HOSTS) {
    Deno.test(`View (${name}) ${promise}`, async () => {
      const folder = await Deno.realPath(await Deno.makeTempDir());
      try {
        for (const dir of ["root", "ro", "root/ro"]) await Deno.mkdir(`${folder}/${dir}`);
        await Deno.writeTextFile(`${folder}/secret`, "secret");
        await Deno.writeTextFile(`${folder}/ro/data`, "data");
        const preopens: Preopen[] = [
          { hostPath: `${folder}/root`, guestPath: "/", exact: true },
          { hostPath: `${folder}/ro`, guestPath: "/ro", readOnly: true, exact: true },
        ];
        using view = new View(openDescriptors(host, { preopens }), preopens);
        await check({ view, folder });
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    });
  }
}

function refused(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ViewError) return error.errno;
    throw error;
  }
  return "done";
}

function read(view: View, path: string): string {
  using file = view.open(path);
  const bytes = new Uint8Array(64);
  return new TextDecoder().decode(bytes.subarray(0, file.read(bytes)));
}

testView("writes, reads, lists, renames and removes", ({ view }) => {
  view.makeFolder("/a");
  {
    using file = view.open("/a/odd \n name – 名", { write: true, create: true });
    file.write(text("hello"));
  }
  assert.equal(read(view, "/a/../a//./odd \n name – 名"), "hello");
  {
    using file = view.open("/a/odd \n name – 名", { write: true, append: true });
    file.write(text(" again"));
    file.setTimes({ atim: "keep", mtim: 1_000_000_000n });
  }
  const { kind, bytes, mtimeNs } = view.stat("/a/odd \n name – 名");
  assert.deepEqual({ kind, bytes, mtimeNs }, { kind: "file", bytes: 11, mtimeNs: 1_000_000_000n });
  assert.deepEqual([...view.list("/a")].map(({ name, kind }) => [name, kind]), [
    ["odd \n name – 名", "file"],
  ]);
  view.rename("/a/odd \n name – 名", "/b");
  view.symlink("b", "/link");
  assert.equal(view.readlink("/link"), "b");
  assert.equal(view.stat("/link").kind, "file");
  assert.equal(view.stat("/link", { follow: false }).kind, "link");
  assert.equal(read(view, "/link"), "hello again");
  view.unlink("/link");
  view.unlink("/b");
  view.removeFolder("/a");
  assert.deepEqual([...view.list("/")].map(({ name }) => name), ["ro"]);
});

testView("lists a folder of a thousand, each entry once", async ({ view, folder }) => {
  await Deno.mkdir(`${folder}/root/many`);
  for (let n = 0; n < 1_000; n++) await Deno.writeTextFile(`${folder}/root/many/${n}`, "");
  const names = [...view.list("/many")].map(({ name }) => name);
  assert.equal(names.length, 1_000);
  assert.equal(new Set(names).size, 1_000);
});

testView("finds a path in the folder with the longest name", ({ view }) => {
  assert.equal(read(view, "/ro/data"), "data");
  assert.equal(read(view, "/x/../ro/./data"), "data");
  assert.equal(view.stat("/ro").kind, "folder");
  assert.equal(view.stat("/").kind, "folder");
  assert.equal(refused(() => view.stat("/rope")), "noent");
});

testView("changes nothing in what is read-only", async ({ view, folder }) => {
  await Deno.writeTextFile(`${folder}/root/mine`, "");
  const attempts: (() => unknown)[] = [
    () => view.open("/ro/data", { write: true }),
    () => view.open("/ro/new", { create: true }),
    () => view.open("/ro/data", { truncate: true }),
    () => view.makeFolder("/ro/new"),
    () => view.removeFolder("/ro/new"),
    () => view.unlink("/ro/data"),
    () => view.rename("/ro/data", "/ro/new"),
    () => view.rename("/ro/data", "/new"),
    () => view.rename("/mine", "/ro/new"),
    () => view.link("/mine", "/ro/new"),
    () => view.symlink("data", "/ro/new"),
    () => view.setTimes("/ro/data", { atim: "now", mtim: "now" }),
  ];
  assert.deepEqual(attempts.map(refused), attempts.map(() => "rofs"));
  assert.equal(await Deno.readTextFile(`${folder}/ro/data`), "data");
});

testView("leads out by no link and no name", async ({ view, folder }) => {
  await Deno.symlink("../secret", `${folder}/root/up`);
  await Deno.symlink(`${folder}/secret`, `${folder}/root/away`);
  await Deno.symlink("..", `${folder}/root/parent`);
  await Deno.symlink("loop", `${folder}/root/loop`);
  for (const path of ["/up", "/away", "/parent/secret"]) {
    assert.equal(refused(() => view.open(path)), "perm", path);
    assert.equal(refused(() => view.stat(path)), "perm", path);
    assert.equal(refused(() => view.open(path, { write: true, create: true })), "perm", path);
  }
  assert.equal(refused(() => [...view.list("/parent")]), "perm");
  assert.equal(refused(() => view.stat("/loop")), "loop");
  assert.equal(refused(() => view.stat("/../../secret")), "noent");
  assert.equal(refused(() => view.symlink("/etc", "/abs")), "perm");
  assert.equal(refused(() => view.stat("/a\0b")), "inval");
  assert.equal(refused(() => view.stat(`/${"x/".repeat(4_096)}`)), "nametoolong");
  assert.equal(refused(() => view.open("/")), "isdir");
  assert.equal(await Deno.readTextFile(`${folder}/secret`), "secret");
});

testView("tells what is not to be opened in a guest's errors", ({ view }) => {
  assert.equal(refused(() => view.open("/none")), "noent");
  assert.equal(refused(() => [...view.list("/ro/data")]), "notdir");
  assert.equal(refused(() => view.makeFolder("/ro/..")), "exist");
});
