import assert from "node:assert/strict";
import {
  formatTaint,
  parseHostname,
  parseLabels,
  parseSubdomain,
  parseTaints,
  withoutUsers,
} from "./names.ts";

Deno.test("parseSubdomain() lower-cases a name and refuses what DNS does not know", () => {
  assert.equal(parseSubdomain("Edge-1.Example.COM"), "edge-1.example.com");
  for (const name of ["", "my_host", "-a", "a-", "a..b", ".a", "a b", "é", "a".repeat(254)]) {
    assert.throws(() => parseSubdomain(name), RangeError, name);
  }
});

Deno.test("parseHostname() refuses what does not fit into a label", () => {
  assert.equal(parseHostname("a".repeat(63)), "a".repeat(63));
  assert.throws(() => parseHostname("a".repeat(64)), { message: "it has 64 characters" });
});

Deno.test("parseLabels() reads pairs, and a key alone as empty", () => {
  assert.deepEqual(parseLabels("zone=a, gpu ,node.kubernetes.io/x=1.2_3,"), {
    zone: "a",
    gpu: "",
    "node.kubernetes.io/x": "1.2_3",
  });
  assert.deepEqual(parseLabels(""), {});
});

Deno.test("parseLabels() names the entry that the API server would refuse", () => {
  assert.throws(() => parseLabels("=x"), { message: /key "" is not/ });
  assert.throws(() => parseLabels("a/b/c=x"), { message: /key "a\/b\/c"/ });
  assert.throws(() => parseLabels("UPPER/a=x"), { message: /key "UPPER\/a"/ });
  assert.throws(() => parseLabels("a=x=y"), { message: /value "x=y" of "a"/ });
  assert.throws(() => parseLabels(`a=${"x".repeat(64)}`), { message: /at most 63/ });
});

Deno.test("parseTaints() reads a kubelet's form, and an empty text as none", () => {
  assert.deepEqual(parseTaints("kubernetes.io/arch=wasm32-wasi:NoSchedule,k:NoExecute"), [
    { key: "kubernetes.io/arch", value: "wasm32-wasi", effect: "NoSchedule" },
    { key: "k", effect: "NoExecute" },
  ]);
  assert.deepEqual(parseTaints(""), []);
});

Deno.test("parseTaints() says what is wrong with which taint", () => {
  assert.throws(() => parseTaints("k=v"), { message: 'taint "k=v" has no effect' });
  assert.throws(() => parseTaints("k=v:Never"), { message: /"k=v:Never" has an unknown effect/ });
  assert.throws(() => parseTaints("k=v=w:NoExecute"), { message: /two "="/ });
  assert.throws(() => parseTaints(":NoExecute"), { message: /key ""/ });
  assert.throws(() => parseTaints("k=1:NoExecute,k=2:NoExecute"), {
    message: 'taint "k:NoExecute" is there twice',
  });
});

Deno.test("formatTaint() prints what parseTaints() reads", () => {
  const text = "a=b:NoSchedule,c:PreferNoSchedule";
  assert.equal(parseTaints(text).map(formatTaint).join(","), text);
});

Deno.test("withoutUsers() leaves of an address what everybody may see", () => {
  const shown: Readonly<Record<string, string>> = {
    "r=https://ada:p@ss@m.example/hub": "r=https://…@m.example/hub",
    '["http://a","https://u:p@b:1"]': '["http://a","https://…@b:1"]',
    "https://m.example/@scope": "https://m.example/@scope",
    "ada@example.com": "ada@example.com",
  };
  for (const [text, expected] of Object.entries(shown)) assert.equal(withoutUsers(text), expected);
});
