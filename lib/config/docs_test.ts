import assert from "node:assert/strict";
import { BOOTSTRAP_OPTIONS } from "./bootstrap_options.ts";
import { DOCTOR_OPTIONS } from "./doctor_options.ts";
import { SMITE_OPTIONS } from "./smite_options.ts";
import { KUBELET_OPTIONS } from "./kubelet_options.ts";
import type { Option, OptionTable } from "./option.ts";
import { RUN_OPTIONS } from "./run_options.ts";
import { INSPECT_OPTIONS, PULL_OPTIONS, PUSH_OPTIONS } from "./tool_options.ts";

const PAGE = await Deno.readTextFile(new URL("../../docs/configuration.md", import.meta.url));

/** The cells of each table row below a heading, up to the next heading of the same level. */
function rowsBelow(heading: string): string[][] {
  const lines = PAGE.split("\n");
  const start = lines.indexOf(heading);
  assert.ok(start >= 0, `docs/configuration.md has no heading "${heading}"`);
  const end = lines.findIndex((line, index) => index > start && line.startsWith("## "));
  return lines.slice(start, end < 0 ? undefined : end)
    .filter((line) => line.startsWith("| `--"))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
}

function rowOf(rows: readonly string[][], { flag, short }: Option<unknown>): string[] {
  const cell = short === undefined ? `\`--${flag}\`` : `\`--${flag}\`, \`-${short}\``;
  const found = rows.filter(([first]) => first === cell);
  assert.equal(found.length, 1, `docs/configuration.md has ${found.length} rows for ${cell}`);
  return found[0]!;
}

/** The text of a default that does not depend on the machine; empty if there is none. */
function fixedDefault(option: Option<unknown>): string {
  if (option.default === undefined || option.kind.placeholder === "") return "";
  return option.kind.toText(option.default) || "none";
}

function flagsOf(table: OptionTable): string[] {
  return Object.values(table).map(({ flag }) => `--${flag}`);
}

const agentRows = rowsBelow("## krustlet and krustlet start");
for (const option of Object.values<Option<unknown>>(KUBELET_OPTIONS)) {
  Deno.test(`docs/configuration.md has --${option.flag} in one row with all its names`, () => {
    const [, env, key, fallback = ""] = rowOf(agentRows, option);
    assert.equal(env, option.env === undefined ? "" : `\`${option.env}\``);
    assert.equal(key, option.key === undefined ? "" : `\`${option.key}\``);
    if (option.defaultText === undefined) {
      assert.equal(fallback.replaceAll("`", ""), fixedDefault(option));
    } else assert.notEqual(fallback, "", "a default that depends on the machine is described");
  });
}

Deno.test("docs/configuration.md names no option of the agent that does not exist", () => {
  const written = agentRows.map(([first = ""]) => /`(--[a-z-]+)`/.exec(first)?.[1]);
  assert.deepEqual(written.toSorted(), flagsOf(KUBELET_OPTIONS).toSorted());
});

const TABLES: Readonly<Record<string, OptionTable>> = {
  run: RUN_OPTIONS,
  bootstrap: BOOTSTRAP_OPTIONS,
  doctor: DOCTOR_OPTIONS,
  smite: SMITE_OPTIONS,
  push: PUSH_OPTIONS,
  pull: PULL_OPTIONS,
  inspect: INSPECT_OPTIONS,
};

for (const [command, table] of Object.entries(TABLES)) {
  Deno.test(`docs/configuration.md names every option of krustlet ${command}`, () => {
    const heading = `## krustlet ${command}`;
    const section = PAGE.slice(PAGE.indexOf(`${heading}\n`)).split("\n## ")[0]!;
    const written = new Set([...section.matchAll(/`(--[a-z-]+)`/g)].map((match) => match[1]));
    const own = flagsOf(table).filter((flag) => flag !== "--help" && flag !== "--version");
    assert.deepEqual([...written].toSorted(), own.toSorted());
  });

  Deno.test(`docs/configuration.md tells the defaults of krustlet ${command}`, () => {
    const rows = rowsBelow(`## krustlet ${command}`);
    for (const [first = "", fallback = ""] of rows) {
      const option = Object.values<Option<unknown>>(table).find(({ flag, short }) =>
        first === `\`--${flag}\`` || first === `\`--${flag}\`, \`-${short}\``
      );
      assert.ok(option !== undefined, `krustlet ${command} has no option ${first}`);
      const expected = option.defaultText ?? fixedDefault(option);
      assert.equal(fallback.replaceAll("`", ""), expected);
    }
  });
}
