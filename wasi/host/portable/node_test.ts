import assert from "node:assert/strict";

interface Graph {
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly {
      readonly specifier: string;
      readonly code?: unknown;
      readonly type?: unknown;
    }[];
  }[];
}

Deno.test("node is the only way to Node's library: no import loads it at the start", async () => {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", new URL("../../mod.ts", import.meta.url).href],
  }).output();
  const { modules }: Graph = JSON.parse(new TextDecoder().decode(stdout));
  assert.ok(modules.length > 40, `a graph of ${modules.length} modules`);
  const imports = modules.flatMap(({ specifier, dependencies = [] }) =>
    dependencies.filter((found) => found.specifier.startsWith("node:") && found.code !== undefined)
      .map((found) => `${specifier} imports ${found.specifier}`)
  );
  assert.deepEqual(imports, []);
});
