import assert from "node:assert/strict";
import { type Finding, findingsJson, findingsText, isHealthy } from "./finding.ts";

const OK: Finding = { check: "port", state: "ok", message: "it is free" };
const WARN: Finding = { check: "clock", state: "warn", message: "it is off", advice: "set it" };
const FAIL: Finding = { check: "dns", state: "fail", message: "no address" };

Deno.test("isHealthy() is spoiled by failures only", () => {
  assert.equal(isHealthy([]), true);
  assert.equal(isHealthy([OK, WARN]), true);
  assert.equal(isHealthy([OK, FAIL]), false);
});

Deno.test("findingsText() has a line for each finding, its advice below, and a sum", () => {
  assert.equal(
    findingsText([OK, WARN, FAIL], { colour: false }),
    "ok    port   it is free\n" +
      "warn  clock  it is off\n" +
      "             → set it\n" +
      "fail  dns    no address\n" +
      "\n1 in the way; 1 worth a look\n",
  );
  assert.match(findingsText([OK], { colour: false }), /\nNothing is in the way; 0 worth a look\n$/);
});

Deno.test("findingsText() colours states if it is told", () => {
  const text = findingsText([FAIL], { colour: true });
  assert.ok(text.startsWith("\x1b[31mfail\x1b[0m  dns"), text);
});

Deno.test("findingsJson() says whether all is well, and everything that was found", () => {
  assert.deepEqual(JSON.parse(findingsJson([OK, FAIL])), { ok: false, findings: [OK, FAIL] });
});
