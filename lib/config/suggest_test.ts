import assert from "node:assert/strict";
import { didYouMean, suggest } from "./suggest.ts";

const KNOWN = ["--node-ip", "--node-name", "--port", "--max-pods", "nodeLabels"];

Deno.test("suggest() finds the word that was meant", () => {
  assert.equal(suggest("--node-iip", KNOWN), "--node-ip");
  assert.equal(suggest("--prot", KNOWN), "--port");
  assert.equal(suggest("--ports", KNOWN), "--port");
  assert.equal(suggest("--maxpods", KNOWN), "--max-pods");
  assert.equal(suggest("node_labels", KNOWN), "nodeLabels");
});

Deno.test("didYouMean() keeps silent when nothing is near", () => {
  assert.equal(didYouMean("--nodeip", KNOWN), " Did you mean --node-ip?");
  assert.equal(didYouMean("--frobnicate", KNOWN), "");
});
