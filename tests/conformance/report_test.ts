import assert from "node:assert/strict";
import { parseLists } from "./lists.ts";
import { judge, readReport } from "./report.ts";

const LISTS = parseLists("[x] good\n", "# Needs addresses.\n[x] later\n");

function reportOf(states: Readonly<Record<string, string>>): string {
  const SpecReports = Object.entries(states).map(([leaf, State]) => ({
    LeafNodeType: "It",
    LeafNodeText: leaf,
    ContainerHierarchyTexts: ["[x]"],
    State,
    RunTime: 2e9,
    Failure: { Message: State === "failed" ? "waited\n  in vain" : "" },
  }));
  const setup = { ...SpecReports[0], LeafNodeType: "SynchronizedBeforeSuite" };
  return JSON.stringify([{ SpecReports: [setup, ...SpecReports] }]);
}

Deno.test("readReport() gives each spec that ran its whole name and its failure", () => {
  assert.deepEqual(readReport(reportOf({ good: "passed", other: "skipped", later: "failed" })), [
    { spec: "[x] good", passed: true, seconds: 2 },
    { spec: "[x] later", passed: false, seconds: 2, message: "waited in vain" },
  ]);
});

Deno.test("judge() is content when only specs of the second list fail, and tells why they may", () => {
  const results = readReport(reportOf({ good: "passed", later: "failed" }));
  const { good, lines } = judge(LISTS, ["[x] good", "[x] later"], results);
  assert.equal(good, true);
  assert.match(
    lines.join("\n"),
    /FAILED {2}\[x\] later \(2 s\): waited in vain\n +not yet: Needs addr/,
  );
  assert.match(lines.join("\n"), /1 of 2 specs passed; 1 of the target set's 2/);
});

Deno.test("judge() is not content when a spec of the first list fails or did not run", () => {
  for (const report of [{ good: "failed" }, { good: "timedout" }, {}]) {
    const { good, lines } = judge(LISTS, ["[x] good"], readReport(reportOf(report)));
    assert.equal(good, false);
    assert.match(lines.join("\n"), /Must pass and did not: \[x\] good/);
  }
});

Deno.test("judge() says which spec of the second list passes now", () => {
  const { lines } = judge(LISTS, ["[x] later"], readReport(reportOf({ later: "passed" })));
  assert.match(lines.join("\n"), /PASSED {2}\[x\] later: it may go to passing.txt/);
});
