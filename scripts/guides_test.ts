/** What the guides show is what the demos are, and what pages claim of tests is what tests are called. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** A block of a page, and above it the file and region that it must equal. */
const INCLUDED = /^<!-- ([\w/.-]+)#([\w-]+) -->\n```\w*\n([^]*?)^```$/gm;
/** A claim's test: the file, and the words that it is found by. */
const NAMED_TEST = /`([\w/.-]+_test\.ts)`:\s+"([^"]+)"/g;

Deno.test("regionOf() takes the lines between the marks, and moves them to the margin", () => {
  const text = "a\n  // #region one\n  b\n\n    c\n  // #endregion one\nd\n";
  assert.equal(regionOf(text, "one"), "b\n\n  c\n");
  assert.throws(() => regionOf(text, "two"), /two/);
});

Deno.test("every included block of the docs is its region of the code", async () => {
  const pages = new Map<string, number>();
  for (const [page, text] of await docs()) {
    for (const [, path = "", region = "", block] of text.matchAll(INCLUDED)) {
      const code = await Deno.readTextFile(join(ROOT, path));
      assert.equal(block, regionOf(code, region), `docs/${page} shows another ${path}#${region}`);
      pages.set(page, (pages.get(page) ?? 0) + 1);
    }
    const marks = text.match(/^<!-- \S+#\S+ -->$/gm)?.length ?? 0;
    assert.equal(pages.get(page) ?? 0, marks, `docs/${page} has a mark with no block below it`);
  }
  assert.ok(pages.get("writing-a-provider.md"), "the provider's guide includes no code");
  assert.ok(pages.get("writing-an-operator.md"), "the operator's guide includes no code");
});

Deno.test("every test that the docs name is there", async () => {
  let named = 0;
  for (const [page, text] of await docs()) {
    for (const [, path = "", words = ""] of text.matchAll(NAMED_TEST)) {
      named++;
      const tests = await Deno.readTextFile(join(ROOT, path));
      assert.ok(tests.includes(words), `docs/${page}: ${path} has no test with "${words}"`);
    }
  }
  assert.ok(named > 0, "no page names a test");
});

async function docs(): Promise<[page: string, text: string][]> {
  const pages: [string, string][] = [];
  for await (const { name } of Deno.readDir(join(ROOT, "docs"))) {
    if (!name.endsWith(".md")) continue;
    pages.push([name, await Deno.readTextFile(join(ROOT, "docs", name))]);
  }
  return pages;
}

/** The lines between `// #region name` and `// #endregion name`, without what all are indented by. */
function regionOf(text: string, name: string): string {
  const found = new RegExp(`^ *// #region ${name}\n([^]*?)^ *// #endregion ${name}$`, "m").exec(
    text,
  );
  if (found === null) throw new Error(`Cannot find region "${name}"`);
  const lines = found[1]!.split("\n");
  const margin = Math.min(
    ...lines.filter((line) => line !== "").map((line) => line.search(/\S/)),
  );
  return lines.map((line) => line.slice(margin)).join("\n");
}
