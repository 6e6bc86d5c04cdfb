import assert from "node:assert/strict";
import { join } from "node:path";
import { namesIn } from "../files.ts";
import { placeFile, type PlaceFileOptions } from "./place_file.ts";

interface Place {
  readonly folder: string;
  readonly rootPath: string;
  place(from: string, to: string, options?: Partial<PlaceFileOptions>): Promise<void>;
}

async function inPlace(work: (place: Place) => Promise<void>): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  const rootPath = join(folder, "root");
  const { signal } = new AbortController();
  try {
    await Deno.mkdir(join(folder, "volume"));
    await Deno.mkdir(rootPath);
    await Deno.writeTextFile(join(folder, "volume/file"), "text");
    await work({
      folder,
      rootPath,
      place: (from, guestPath, options) =>
        placeFile(
          { hostPath: join(folder, from), guestPath, readOnly: true },
          { rootPath, signal, ...options },
        ),
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("placeFile() copies a file with its permissions, whatever was there", () =>
  inPlace(async ({ folder, rootPath, place }) => {
    const windows = Deno.build.os === "windows";
    if (!windows) await Deno.chmod(join(folder, "volume/file"), 0o440);
    await Deno.mkdir(join(rootPath, "etc"));
    await Deno.writeTextFile(join(rootPath, "etc/old"), "a longer text", { mode: 0o400 });
    for (const to of ["/etc/app/new", "/etc/old"]) {
      await place("volume/file", to);
      const { mode } = await Deno.stat(join(rootPath, to));
      assert.equal(await Deno.readTextFile(join(rootPath, to)), "text");
      if (!windows) assert.equal(mode! & 0o777, 0o440);
    }
  }));

Deno.test("placeFile() copies large files whole, up to its limit", () =>
  inPlace(async ({ folder, rootPath, place }) => {
    const bytes = crypto.getRandomValues(new Uint8Array(65_536));
    const whole = Uint8Array.from({ length: 700_000 }, (_, index) => bytes[index % 65_521]!);
    await Deno.writeFile(join(folder, "volume/large"), whole);
    await place("volume/large", "/large", { bytesMax: whole.length });
    assert.deepEqual(await Deno.readFile(join(rootPath, "large")), whole);
    await assert.rejects(place("volume/large", "/other", { bytesMax: whole.length - 1 }), {
      code: "container_config",
      message: /"\/other": it has more than 699999 bytes; mount the folder that it is in$/,
    });
    assert.ok((await Deno.stat(join(rootPath, "other"))).size < whole.length);
  }));

Deno.test("placeFile() refuses links, also on the way, and what is no file", () =>
  inPlace(async ({ folder, rootPath, place }) => {
    await Deno.symlink("file", join(folder, "volume/link"));
    await Deno.symlink("volume", join(folder, "way"));
    const rows = {
      "volume/link": /a link is on the way to it/,
      "way/file": /a link is on the way to it/,
      "volume": /it is no regular file/,
      "volume/none": /^Cannot mount file ".*none" at "\/x"$/,
    };
    for (const [from, message] of Object.entries(rows)) {
      await assert.rejects(place(from, "/x"), { code: "container_config", message }, from);
    }
    assert.deepEqual(await namesIn(rootPath), []);
  }));

Deno.test({
  name: "placeFile() refuses a pipe at once",
  ignore: Deno.build.os === "windows",
  fn: () =>
    inPlace(async ({ folder, place }) => {
      await new Deno.Command("mkfifo", { args: [join(folder, "volume/pipe")] }).output();
      await assert.rejects(place("volume/pipe", "/x"), /it is no regular file/);
    }),
});

Deno.test("placeFile() places nothing outside of the root or over a folder, and can be stopped", () =>
  inPlace(async ({ folder, rootPath, place }) => {
    await assert.rejects(place("volume/file", "/../x"), /that is not below the root/);
    await assert.rejects(Deno.stat(join(folder, "x")), Deno.errors.NotFound);
    await Deno.mkdir(join(rootPath, "folder"));
    await assert.rejects(place("volume/file", "/folder"), { code: "container_config" });
    const stopped = place("volume/file", "/x", { signal: AbortSignal.abort("enough") });
    assert.equal(await stopped.catch((reason: unknown) => reason), "enough");
  }));
