import assert from "node:assert/strict";
import * as kinds from "./kinds.ts";
import type { Kind } from "./option.ts";

/** Every kind, with texts and JSON values that it takes and that it refuses. */
const CASES: Record<string, {
  kind: Kind<unknown>;
  texts: [string, unknown][];
  badTexts: string[];
  json: [unknown, unknown][];
  badJson: unknown[];
}> = {
  text: {
    kind: kinds.text,
    texts: [["a", "a"]],
    badTexts: ["", " "],
    json: [["a", "a"]],
    badJson: ["", 1, null],
  },
  path: {
    kind: kinds.path,
    texts: [["/a b", "/a b"]],
    badTexts: ["", "a\0b"],
    json: [["x", "x"]],
    badJson: [[]],
  },
  ip: {
    kind: kinds.ip,
    texts: [["0.0.0.0", "0.0.0.0"], ["::", "::"], ["10.0.0.1", "10.0.0.1"]],
    badTexts: ["", "10.0.0", "localhost", "10.0.0.1:80", "256.0.0.1"],
    json: [["::1", "::1"]],
    badJson: [10],
  },
  hostIp: {
    kind: kinds.hostIp,
    texts: [["127.0.0.1", "127.0.0.1"], ["fd00::1", "fd00::1"]],
    badTexts: ["0.0.0.0", "::", "224.0.0.1", "ff02::1", "host"],
    json: [["10.1.2.3", "10.1.2.3"]],
    badJson: [null],
  },
  flag: {
    kind: kinds.flag,
    texts: [["true", true], ["false", false]],
    badTexts: ["", "yes", "1", "True"],
    json: [[true, true], [false, false]],
    badJson: ["true", 1, null],
  },
  port: {
    kind: kinds.port,
    texts: [["0", 0], ["3000", 3000], ["65535", 65535]],
    badTexts: ["", "-1", "65536", "80.5", "0x50", "80a", "1e3", "Infinity"],
    json: [[3000, 3000]],
    badJson: ["3000", 1.5, 65536, null],
  },
  duration: {
    kind: kinds.duration(1_000, 60_000),
    texts: [["1s", 1_000], ["1m", 60_000]],
    badTexts: ["999ms", "1m1s", "10", ""],
    json: [["10s", 10_000]],
    badJson: [10, "10"],
  },
  choice: {
    kind: kinds.choice("json", "pretty"),
    texts: [["json", "json"]],
    badTexts: ["JSON", "", "xml"],
    json: [["pretty", "pretty"]],
    badJson: [true],
  },
  list: {
    kind: kinds.list,
    texts: [["a, b,,c", ["a", "b", "c"]], ["", []]],
    badTexts: [],
    json: [[["a ", "b"], ["a", "b"]], [[], []]],
    badJson: ["a", [1], {}],
  },
  labels: {
    kind: kinds.labels,
    texts: [["a=b,c", { a: "b", c: "" }], ["", {}]],
    badTexts: ["=a"],
    json: [[{ a: "b" }, { a: "b" }]],
    badJson: [["a=b"], { a: 1 }, { "a b": "c" }, null, "a=b"],
  },
  taints: {
    kind: kinds.taints,
    texts: [["", []], ["k:NoExecute", [{ key: "k", effect: "NoExecute" }]]],
    badTexts: ["k"],
    json: [[[], []], [["k:NoExecute"], [{ key: "k", effect: "NoExecute" }]]],
    badJson: ["k:NoExecute", ["k"], [{}]],
  },
};

for (const [name, { kind, texts, badTexts, json, badJson }] of Object.entries(CASES)) {
  Deno.test(`${name} reads what it allows and refuses the rest`, () => {
    for (const [text, value] of texts) assert.deepEqual(kind.fromText(text), value, text);
    for (const text of badTexts) assert.throws(() => kind.fromText(text), RangeError, text);
    for (const [given, value] of json) assert.deepEqual(kind.fromJson(given), value);
    for (const given of badJson) {
      assert.throws(() => kind.fromJson(given), RangeError, JSON.stringify(given));
    }
  });
}
