import assert from "node:assert/strict";
import fc from "fast-check";
import { globMatches, hostMatches, parsePattern } from "./glob.ts";

const GLOBS: readonly (readonly [pattern: string, text: string, fits: boolean])[] = [
  ["", "", true],
  ["", "a", false],
  ["*", "", true],
  ["**", "abc", true],
  ["a*c", "abbbc", true],
  ["a*c", "abcd", false],
  ["*ab", "aab", true],
  ["a?c", "abc", true],
  ["a?c", "ac", false],
  ["[a-c]x", "bx", true],
  ["[^a-c]x", "bx", false],
  ["[]x", "]x", false],
  ["[a", "a", false],
  ["[c-a]", "b", false],
  ["[\\]]", "]", true],
  ["\\*", "*", true],
  ["\\*", "a", false],
  ["a\\", "a", false],
];

for (const [pattern, text, fits] of GLOBS) {
  Deno.test(`globMatches() ${fits ? "takes" : "refuses"} "${text}" for "${pattern}"`, () => {
    assert.equal(globMatches(pattern, text), fits);
  });
}

Deno.test("globMatches() takes every text for itself, escaped", () => {
  fc.assert(fc.property(fc.string(), (text) => {
    assert.ok(globMatches([...text].map((char) => `\\${char}`).join(""), text));
  }));
});

Deno.test("globMatches() agrees with a regular expression", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 12 });
  const patterns = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), maxLength: 8 });
  fc.assert(fc.property(patterns, letters, (pattern, text) => {
    const regexp = new RegExp(`^${pattern.replaceAll("*", ".*").replaceAll("?", ".")}$`);
    assert.equal(globMatches(pattern, text), regexp.test(text));
  }));
});

Deno.test("globMatches() stays quick whatever the pattern", () => {
  const text = "a".repeat(20_000);
  const fromMs = performance.now();
  assert.equal(globMatches(`${"a*".repeat(30)}b`, text), false);
  assert.ok(performance.now() - fromMs < 10_000);
});

Deno.test("hostMatches() compares parts and the port, and no star crosses a dot", () => {
  assert.ok(hostMatches("*.r.io:5000", "eu.R.io:5000"));
  assert.equal(hostMatches("*.r.io", "eu.r.io:5000"), false);
  assert.equal(hostMatches("*.r.io", "a.eu.r.io"), false);
  assert.equal(hostMatches("*", "r.io"), false);
  assert.deepEqual(parsePattern(" HTTPS://R.io/Team/app "), { host: "r.io", path: "Team/app" });
});
