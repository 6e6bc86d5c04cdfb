import assert from "node:assert/strict";
import type { FieldRule } from "./rule.ts";
import { FIELD_TABLE } from "./table.ts";

/** The states of the fields of each part, as docs/pod-fields.md has them. */
async function documented(): Promise<Record<string, Record<string, string>>> {
  const text = await Deno.readTextFile(
    new URL("../../../docs/pod-fields.md", import.meta.url),
  );
  const parts: Record<string, Record<string, string>> = {};
  for (const section of text.split("\n## ").slice(1)) {
    const [name = "", ...lines] = section.split("\n");
    const rows = lines.flatMap((line) => {
      const [, field, state] = /^\| `(\w+)` \| ([a-z, ]+) \|/.exec(line) ?? [];
      return field === undefined || state === undefined ? [] : [[field, state] as const];
    });
    parts[name] = Object.fromEntries(rows);
    assert.equal(Object.keys(parts[name] ?? {}).length, rows.length, `a field twice in ${name}`);
  }
  return parts;
}

function stateOf({ use, misses }: FieldRule): string {
  return use === "ignored" && misses !== undefined ? "ignored, told" : use;
}

Deno.test("docs/pod-fields.md says what the table says, of every field", async () => {
  const table = Object.entries(FIELD_TABLE).map(([part, rules]) => {
    const rows = Object.entries(rules).map(([field, rule]) => [field, stateOf(rule)]);
    return [part, Object.fromEntries(rows)];
  });
  assert.deepEqual(await documented(), Object.fromEntries(table));
});

Deno.test("the table has a rule for each part that it names", () => {
  for (const rules of Object.values(FIELD_TABLE)) {
    for (const { of, use, refuses } of Object.values(rules)) {
      if (of !== undefined) assert.ok(of in FIELD_TABLE);
      if (use === "ignored") assert.equal(refuses, undefined);
    }
  }
});
