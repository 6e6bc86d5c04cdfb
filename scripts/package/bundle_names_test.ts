import assert from "node:assert/strict";
import { withoutMachine } from "./bundle_names.ts";

/** A bundle as two machines make it: another cache, so other hashes in another order. */
const bundleOf = (cache: string, [a, b]: readonly [string, string]): Map<string, string> =>
  new Map([
    [`chunk-${a}.js`, `// ${cache}/yaml/2.9.1/dist/a.js\nimport "./chunk-${b}.js";\n`],
    [`chunk-${b}.js`, `var x = __commonJS({ "${cache}/@a/b/1.0.0/x.js"() {} });\n`],
    ["lib/guest.js", `import "../chunk-${b}.js";\n`],
    [`unused-${b}.js`, `export {};\n`],
    ["main.js", `import "./chunk-${a}.js"; await import("./lib/guest.js"); "chunk-NOTHING1.js";\n`],
  ]);

Deno.test("withoutMachine() makes one bundle of what two machines make, without what nobody uses", () => {
  const entries = ["main.js", "lib/guest.js"];
  const [one, two] = [
    bundleOf("../../home/ada/.cache/deno/npm/registry.example", ["ZZZZZZZ1", "AAAAAAA1"]),
    bundleOf("../../../../home/ada/deno/npm/localhost_4873", ["BBBBBBB2", "CCCCCCC2"]),
  ].map((files) => Object.fromEntries([...withoutMachine(files, entries)].sort()));
  assert.deepEqual(one, two);
  assert.deepEqual(one, {
    "chunk-1.js": `// npm/yaml/2.9.1/dist/a.js\nimport "./chunk-2.js";\n`,
    "chunk-2.js": `var x = __commonJS({ "npm/@a/b/1.0.0/x.js"() {} });\n`,
    "lib/guest.js": `import "../chunk-2.js";\n`,
    "main.js": `import "./chunk-1.js"; await import("./lib/guest.js"); "chunk-NOTHING1.js";\n`,
  });
});
