import assert from "node:assert/strict";
import { join } from "node:path";
import { PullFailure } from "../oci/failure.ts";
import { names, TestDir } from "../oci/_test_registry.ts";
import { watchDisk } from "./_watched_disk.ts";
import { describeSpace, isDamage, isFullDisk, replaceFile, spaceFailure } from "./disk.ts";

Deno.test("replaceFile() has the bytes on disk before the name, and then the name", async () => {
  await using dir = new TestDir();
  await replaceFile(join(dir.path, "index"), "old");
  const steps: string[] = [];
  {
    using _watch = watchDisk(dir.path, ({ deed, path }) => steps.push(`${deed} ${path}`.trim()));
    await replaceFile(join(dir.path, "index"), "new");
  }
  const order = ["write index.new", "sync index.new", "rename index.new"];
  assert.deepEqual(steps.filter((step) => order.includes(step)), order);
  if (Deno.build.os !== "windows") {
    assert.ok(steps.lastIndexOf("sync") > steps.indexOf("rename index.new"), steps.join("\n"));
  }
  assert.ok(!steps.some((step) => /^(write|open|truncate) index$/.test(step)), steps.join("\n"));
  assert.equal(await Deno.readTextFile(join(dir.path, "index")), "new");
});

Deno.test("replaceFile() takes the place of a folder, and of a torn draft", async () => {
  await using dir = new TestDir();
  const path = join(dir.path, "index");
  await Deno.mkdir(join(path, "inner"), { recursive: true });
  await Deno.writeTextFile(`${path}.new`, "of a run that was killed, and longer than the text");
  await replaceFile(path, "new");
  assert.equal(await Deno.readTextFile(path), "new");
  assert.deepEqual(names(dir.path), ["index"]);
});

Deno.test("describeSpace() says what is needed, what is free, and what to do", () => {
  const need = { dir: "/data", bytes: 900, more: false };
  const table = [
    [{ free: 100, files: 5 }, need, /900 bytes are needed and 100 are free; free 800 bytes, or/],
    [{ free: 1000, files: 5 }, need, /900 bytes are needed and 1000 are free by now; free some/],
    [{ free: 100, files: 0 }, need, /for another file, though 100 bytes are free; remove some/],
    [{ free: 0, files: 0 }, need, /900 bytes are needed and 0 are free; free 900 bytes/],
    [{ free: 100, files: 5 }, { ...need, more: true }, /: more than 900 .* free more than 800 /],
    [{ free: 100, files: 5 }, { ...need, bytes: undefined }, /: 100 bytes are free; free some/],
  ] as const;
  for (const [disk, need, message] of table) {
    const text = describeSpace(disk, need);
    assert.match(text, message);
    assert.match(text, /^no space is left on the disk of "\/data".*--data-dir$/);
  }
});

Deno.test("spaceFailure() asks a full disk only", async () => {
  const coded = (code: string): Error => Object.assign(new Error("it failed"), { code });
  const need = { dir: Deno.cwd(), bytes: 2 ** 50 };
  const full = await spaceFailure(coded("ENOSPC"), need);
  assert.ok(full instanceof PullFailure && isFullDisk(full));
  assert.match(
    full.message,
    /1125899906842624 bytes are needed and \d+ are free; free \d+ bytes/,
  );
  const other = await spaceFailure(coded("EROFS"), need);
  assert.ok(other instanceof PullFailure && !isFullDisk(other));
  assert.match(other.message, /is read-only/);
  assert.equal(isFullDisk(await spaceFailure(coded("EDQUOT"), need)), true);
  const failure = new PullFailure("x");
  assert.equal(await spaceFailure(failure, need), failure);
});

Deno.test("isDamage() is of the file, and not of the process or of another day", async () => {
  await using dir = new TestDir();
  const codeOf = (code: string): Error => Object.assign(new Error("it failed"), { code });
  for (const code of ["EIO", "EACCES", "ELOOP", "EUCLEAN"]) assert.ok(isDamage(codeOf(code)), code);
  for (const code of ["EMFILE", "ENOMEM", "ENOSPC", "ENOENT", "EINTR"]) {
    assert.ok(!isDamage(codeOf(code)), code);
  }
  assert.ok(!isDamage(new PullFailure("EIO")));
  await Deno.writeTextFile(join(dir.path, "file"), "");
  for (const path of [dir.path, join(dir.path, "file", "x")]) {
    const error: unknown = await Deno.readFile(path).then(() => assert.fail(), (error) => error);
    assert.ok(isDamage(error), Deno.inspect(error));
  }
});
