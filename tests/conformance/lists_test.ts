import assert from "node:assert/strict";
import { chooseSpecs, focusOf, parseLists, readLists } from "./lists.ts";

/** What one node can do for pods, and modes of files. A change of the set is one here. */
const TARGET_SPECS = 232;

Deno.test("readLists() has every spec of the target set, once, and a reason for what is missing", async () => {
  const { passing, notYet } = await readLists();
  assert.equal(passing.length + notYet.size, TARGET_SPECS);
});

Deno.test("parseLists() gives each spec the reason above it", () => {
  const { passing, notYet } = parseLists("a\n\nb\n", "# No\n# addresses.\nc\nd\n\n# Later.\ne\n");
  assert.deepEqual(passing, ["a", "b"]);
  assert.deepEqual([...notYet], [["c", "No addresses."], ["d", "No addresses."], ["e", "Later."]]);
});

Deno.test("parseLists() refuses a spec that is there twice, or without a reason", () => {
  assert.throws(() => parseLists("a\n", "# Why.\na\n"), /"a" is there twice/);
  assert.throws(() => parseLists("", "# Why.\na\n\nb\n"), /"b" has no reason/);
});

Deno.test("chooseSpecs() takes those that pass, all of them, or what a word fits", () => {
  const lists = parseLists("[x] one\n[x] two\n", "# Why.\n[y] two\n");
  assert.deepEqual(chooseSpecs(lists, {}), ["[x] one", "[x] two"]);
  assert.deepEqual(chooseSpecs(lists, { all: true }), ["[x] one", "[x] two", "[y] two"]);
  assert.deepEqual(chooseSpecs(lists, { focus: "two" }), ["[x] two", "[y] two"]);
  assert.deepEqual(chooseSpecs(lists, { focus: "[y]" }), ["[y] two"]);
  assert.deepEqual(chooseSpecs(lists, { focus: "one$" }), ["[x] one"]);
});

Deno.test("focusOf() fits the whole name and nothing else", () => {
  const focus = new RegExp(focusOf(['[x] reads "a.b" (twice)', "[x] ends"]));
  assert.match('Kubernetes e2e suite [x] reads "a.b" (twice)', focus);
  assert.doesNotMatch('Kubernetes e2e suite [x] reads "aXb" (twice)', focus);
  assert.doesNotMatch("Kubernetes e2e suite [x] ends early", focus);
});
