import assert from "node:assert/strict";
import { isKubeletError, messageOf } from "../errors.ts";
import { checkKeys, parseConfigFile } from "./config_file.ts";
import { KUBELET_OPTIONS } from "./kubelet_options.ts";

Deno.test("parseConfigFile() reads an object, with or without a byte order mark", () => {
  assert.deepEqual(parseConfigFile("f", '\uFEFF{"maxPods": 5}').values, { maxPods: 5 });
});

Deno.test("parseConfigFile() names the file and the position of the first mistake", () => {
  const cases: [string, RegExp][] = [
    ['{\n  "a": 1\n  "b": 2\n}', /line 3 column 3/],
    ['{\n  "a": yes\n}', /line 2 column 8/],
    ['{"a": 1}\n x', /line 2 column 2/],
    ["", /line 1 column 1/],
    ['{"a": [1, 2', /line 1 column 12/],
  ];
  for (const [text, position] of cases) {
    assert.throws(() => parseConfigFile("/c.json", text), (error) => {
      assert.ok(isKubeletError(error, "invalid"));
      assert.match(messageOf(error), /^Cannot read config file "\/c\.json": /);
      assert.match(messageOf(error), position, text);
      return true;
    });
  }
});

Deno.test("parseConfigFile() refuses JSON that is no object", () => {
  for (const text of ["[]", "null", "3", '"x"']) {
    assert.throws(() => parseConfigFile("f", text), /no JSON object/);
  }
});

Deno.test("checkKeys() says which key was meant", () => {
  const file = parseConfigFile("/c.json", '{"node_labels": {}}');
  assert.throws(() => checkKeys(file, KUBELET_OPTIONS), {
    message: 'Cannot use key "node_labels" in /c.json: there is no such key. ' +
      "Did you mean nodeLabels?",
  });
  checkKeys(parseConfigFile("f", '{"nodeLabels": {}}'), KUBELET_OPTIONS);
});
