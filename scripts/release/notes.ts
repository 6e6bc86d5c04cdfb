/**
 * What a release says of itself, and whether it may be one.
 *
 *     deno run -A scripts/release/notes.ts check v2.0.0
 *     deno run -A scripts/release/notes.ts print 2.0.0|Unreleased
 *
 * `check` fails unless the tag is `v` and the version in `deno.json`, and the changelog has a section for it.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import manifest from "../../deno.json" with { type: "json" };

const CHANGELOG = fileURLToPath(new URL("../../CHANGELOG.md", import.meta.url));
/** Semantic Versioning 2.0.0, without build metadata, which a tag of ours never has. */
const VERSION = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$/;

/** What stands in the way of a release by this tag: nothing at best. */
export function obstacles(
  tag: string,
  { version, changelog }: { readonly version: string; readonly changelog: string },
): string[] {
  const wrong: string[] = [];
  if (!VERSION.test(version)) wrong.push(`version "${version}" in deno.json is not of semver`);
  if (tag !== `v${version}`) wrong.push(`tag "${tag}" is not "v${version}", which deno.json says`);
  if (notesOf(changelog, version) === undefined) {
    wrong.push(`CHANGELOG.md has no section "## ${version}" with text in it`);
  }
  return wrong;
}

/** The text below `## <name>`, to the next heading of that rank; `undefined` if there is none. */
export function notesOf(changelog: string, name: string): string | undefined {
  const sections = changelog.split(/^## /m).slice(1);
  const section = sections.find((one) => one.split(/[\s(]/, 1)[0] === name);
  const text = section?.slice(section.indexOf("\n") + 1).trim();
  return text === "" ? undefined : text;
}

if (import.meta.main) {
  const [what, name = ""] = Deno.args;
  const changelog = await Deno.readTextFile(CHANGELOG);
  if (what === "check") {
    const wrong = obstacles(name, { version: manifest.version, changelog });
    for (const line of wrong) console.error(`Cannot release: ${line}`);
    Deno.exit(wrong.length === 0 ? 0 : 1);
  }
  const text = what === "print" ? notesOf(changelog, name) : undefined;
  if (text === undefined) {
    console.error(`Cannot print notes: CHANGELOG.md has no section "## ${name}" with text in it`);
    Deno.exit(1);
  }
  console.log(text);
}
