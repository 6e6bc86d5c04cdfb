import assert from "node:assert/strict";
import { KUBELET_OPTIONS } from "./kubelet_options.ts";
import type { Option } from "./option.ts";
import { REFERENCE, withTables } from "./reference.ts";
import { WORDS } from "./reference_words.ts";

const page = await Deno.readTextFile(REFERENCE);

Deno.test("docs/configuration.md says what the options say: else run deno task docs:configuration", () => {
  assert.equal(page, withTables(page));
});

Deno.test("withTables() has each option of the agent in one row with all its names", () => {
  const emptied = page.replaceAll(/(<!-- options: .+ -->\n)[^]*?(<!-- end -->)/g, "$1$2");
  assert.ok(!emptied.includes("--node-ip`, `-n"), "the tables are gone");
  const rows = withTables(emptied).split("\n").filter((line) => line.startsWith("| `--"));
  for (const { flag, short, env, key } of Object.values<Option<unknown>>(KUBELET_OPTIONS)) {
    const first = short === undefined ? `| \`--${flag}\` |` : `| \`--${flag}\`, \`-${short}\` |`;
    const [row = "", second = ""] = rows.filter((line) => line.startsWith(first));
    for (const name of [env, key]) if (name !== undefined) assert.ok(row.includes(`\`${name}\``));
    assert.ok(row.split("|").length >= 7, `--${flag} has a row: ${row}`);
    assert.ok(second.split("|").length < 7, `--${flag} has one row`);
  }
});

Deno.test("withTables() refuses a page without the marks of a command, or with those of another", () => {
  assert.throws(() => withTables(page.replace("options: run", "options: fly")), /"fly"/);
  assert.throws(() => withTables(page.replace("<!-- options: smite", "<!-- smite")), /"smite"/);
});

Deno.test("WORDS are about options that there are, and are used", () => {
  for (const [name, { what, default: fallback }] of Object.entries(WORDS)) {
    for (const text of [what, fallback]) {
      if (text === undefined) continue;
      assert.ok(page.includes(text.replaceAll("|", "\\|")), `${name} is on the page`);
    }
  }
});
