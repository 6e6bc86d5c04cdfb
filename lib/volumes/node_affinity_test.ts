import assert from "node:assert/strict";
import type { NodeSelectorRequirement, NodeSelectorTerm } from "../api/types.ts";
import { nodeFits } from "./node_affinity.ts";

const NODE = { name: "edge-1", labels: { zone: "a", cores: "8", note: "eight" } };

function fits(...nodeSelectorTerms: NodeSelectorTerm[]): boolean {
  return nodeFits({ nodeSelectorTerms }, NODE);
}

function label(key: string, operator: string, ...values: string[]): NodeSelectorRequirement {
  return { key, operator, values };
}

Deno.test("nodeFits() reads every operator as the scheduler does", () => {
  const rows: [NodeSelectorRequirement, boolean][] = [
    [label("zone", "In", "b", "a"), true],
    [label("zone", "In", "b"), false],
    [label("none", "In", "b"), false],
    [label("zone", "NotIn", "a"), false],
    [label("none", "NotIn", "a"), true],
    [label("zone", "Exists"), true],
    [label("toString", "Exists"), false],
    [label("zone", "DoesNotExist"), false],
    [label("none", "DoesNotExist"), true],
    [label("cores", "Gt", "7"), true],
    [label("cores", "Gt", "8"), false],
    [label("cores", "Lt", "10"), true],
    [label("note", "Gt", "7"), false],
    [label("cores", "Gt"), false],
    [label("zone", "Unheard", "a"), false],
  ];
  for (const [requirement, wanted] of rows) {
    assert.equal(fits({ matchExpressions: [requirement] }), wanted, JSON.stringify(requirement));
  }
});

Deno.test("nodeFits() needs one term with all of its requirements", () => {
  const [yes, no] = [label("zone", "In", "a"), label("zone", "In", "b")];
  assert.equal(fits({ matchExpressions: [yes, no] }), false);
  assert.equal(fits({ matchExpressions: [no] }, { matchExpressions: [yes] }), true);
  assert.equal(fits({}), false);
  assert.equal(fits(), false);
});

Deno.test("nodeFits() knows the field metadata.name and no other", () => {
  assert.equal(fits({ matchFields: [label("metadata.name", "In", "edge-1")] }), true);
  assert.equal(fits({ matchFields: [label("metadata.name", "In", "edge-2")] }), false);
  assert.equal(fits({ matchFields: [label("zone", "In", "a")] }), false);
});
