import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import manifest from "../../deno.json" with { type: "json" };
import { makeStandIn } from "../compile/stand_in.ts";
import { writeChecksums, wrongFiles } from "./checksums.ts";
import { notesOf, obstacles } from "./notes.ts";
import { guestsFor } from "./smoke.ts";

const CHANGELOG = `# Changelog

## Unreleased

- new

## 2.0.0 (2027-01-01)

### Added

- much

## 1.9.0
`;

async function folder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.realPath(await Deno.makeTempDir());
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

async function script(
  name: string,
  args: readonly string[],
): Promise<{ code: number; text: string }> {
  const path = fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", path, ...args],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
}

Deno.test("notesOf() finds the section of a version, and no empty one", () => {
  assert.equal(notesOf(CHANGELOG, "2.0.0"), "### Added\n\n- much");
  assert.equal(notesOf(CHANGELOG, "Unreleased"), "- new");
  assert.equal(notesOf(CHANGELOG, "1.9.0"), undefined);
  assert.equal(notesOf(CHANGELOG, "2.0"), undefined);
});

Deno.test("obstacles() wants the tag, the version and the changelog to agree", () => {
  const changelog = CHANGELOG;
  assert.deepEqual(obstacles("v2.0.0", { version: "2.0.0", changelog }), []);
  for (const tag of ["2.0.0", "v2.0.1", "v2.0.0-rc.1", "", "v2.0.0\n"]) {
    assert.equal(obstacles(tag, { version: "2.0.0", changelog }).length, 1, tag);
  }
  assert.match(obstacles("v1.9.0", { version: "1.9.0", changelog }).join(), /no section/);
  assert.match(obstacles("v2.0", { version: "2.0", changelog }).join(), /not of semver/);
});

Deno.test("notes.ts refuses a tag that is not the version, and prints what is to come", async () => {
  const wrong = await script("notes", ["check", "v0.0.1"]);
  assert.equal(wrong.code, 1, wrong.text);
  assert.ok(wrong.text.includes(`is not "v${manifest.version}"`), wrong.text);
  const printed = await script("notes", ["print", "Unreleased"]);
  assert.equal(printed.code, 0, printed.text);
  assert.match(printed.text, /krustlet run/);
});

Deno.test("wrongFiles() finds a file that was changed, added or removed", async () => {
  await using dist = await folder();
  for (const name of ["a", "b"]) await Deno.writeTextFile(join(dist.path, name), name);
  await writeChecksums(dist.path, "1.0.0");
  await Deno.writeTextFile(join(dist.path, "checksums-1.0.0.txt.sigstore.json"), "{}");
  assert.deepEqual(await wrongFiles(dist.path, "1.0.0"), []);
  await Deno.writeTextFile(join(dist.path, "a"), "other");
  await Deno.writeTextFile(join(dist.path, "c"), "c");
  await Deno.remove(join(dist.path, "b"));
  assert.deepEqual(await wrongFiles(dist.path, "1.0.0"), [
    "a has another hash",
    "c is not in the list",
    "b is missing",
  ]);
  await Deno.writeTextFile(join(dist.path, "checksums-1.0.0.txt"), `${"0".repeat(64)}  ../a\n`);
  assert.match((await wrongFiles(dist.path, "1.0.0")).join(), /no line of a list/);
});

Deno.test("checksums.ts writes a list that it then verifies, and fails for another", async () => {
  await using dist = await folder();
  await Deno.writeTextFile(join(dist.path, "a"), "a");
  assert.equal((await script("checksums", ["write", dist.path])).code, 0);
  assert.equal((await script("checksums", ["verify", dist.path])).code, 0);
  await Deno.writeTextFile(join(dist.path, "a"), "b");
  const { code, text } = await script("checksums", ["verify", dist.path]);
  assert.equal(code, 1, text);
  assert.match(text, /a has another hash/);
});

if (Deno.build.os !== "windows") {
  Deno.test("smoke.ts passes a program that runs its guests, and no other", async () => {
    await using made = await folder();
    const good = await makeStandIn(made.path, "linux-amd64");
    const passed = await script("smoke", [good]);
    assert.equal(passed.code, 0, passed.text);
    const bad = join(made.path, "bad");
    await Deno.writeTextFile(bad, `#!/bin/sh\n[ "$1" = run ] && exit 0\nexec '${good}' "$@"\n`, {
      mode: 0o755,
    });
    const failed = await script("smoke", [bad]);
    assert.equal(failed.code, 1, failed.text);
    for (const { name } of guestsFor(Deno.build.os).filter(({ code, says }) => code > 0 || says)) {
      assert.ok(failed.text.includes(`guest ${name}: code 0`), failed.text);
    }
    assert.equal((await script("smoke", [])).code, 2);
  });
}
