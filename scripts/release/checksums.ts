/**
 * The list of a release's files with their hashes, which people verify by `sha256sum -c`.
 *
 *     deno run -A scripts/release/checksums.ts write|verify FOLDER
 *
 * `write` lists all files of the folder; `verify` fails if one of them has another hash, is missing, or is not
 * in the list.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import manifest from "../../deno.json" with { type: "json" };
import { checksumLines } from "../package/mod.ts";

/** What is made of the list itself, after it. */
const SIGNATURE = /\.sigstore\.json$/;

/** Writes `checksums-<version>.txt` for what else is in the folder. */
export async function writeChecksums(folder: string, version: string): Promise<void> {
  const list = listName(version);
  await Deno.writeTextFile(join(folder, list), checksumLines(await hashes(folder, list)));
}

/** How the files of a folder differ from its list: not at all at best. */
export async function wrongFiles(folder: string, version: string): Promise<string[]> {
  const list = listName(version);
  const told = new Map<string, string>();
  for (const line of (await Deno.readTextFile(join(folder, list))).split("\n")) {
    if (line === "") continue;
    const [, sha256, name] = /^([0-9a-f]{64}) {2}([\w.-]+)$/.exec(line) ?? [];
    if (sha256 === undefined || name === undefined) return [`"${line}" is no line of a list`];
    told.set(name, sha256);
  }
  const wrong: string[] = [];
  for (const { name, sha256 } of await hashes(folder, list)) {
    const expected = told.get(name);
    if (expected === undefined) wrong.push(`${name} is not in the list`);
    else if (expected !== sha256) wrong.push(`${name} has another hash`);
    told.delete(name);
  }
  return [...wrong, ...[...told.keys()].map((name) => `${name} is missing`)];
}

function listName(version: string): string {
  return `checksums-${version}.txt`;
}

async function hashes(folder: string, list: string): Promise<{ name: string; sha256: string }[]> {
  const found: { name: string; sha256: string }[] = [];
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (!isFile || name === list || SIGNATURE.test(name)) continue;
    const bytes = await Deno.readFile(join(folder, name));
    found.push({ name, sha256: createHash("sha256").update(bytes).digest("hex") });
  }
  return found.sort((a, b) => a.name < b.name ? -1 : 1);
}

if (import.meta.main) {
  const [what, folder = "dist"] = Deno.args;
  if (what === "write") {
    await writeChecksums(folder, manifest.version);
  } else if (what === "verify") {
    const wrong = await wrongFiles(folder, manifest.version);
    for (const line of wrong) console.error(`${folder}: ${line}`);
    Deno.exit(wrong.length === 0 ? 0 : 1);
  } else {
    console.error(`Cannot do "${what ?? ""}": there are write and verify`);
    Deno.exit(2);
  }
}
