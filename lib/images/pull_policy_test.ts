import assert from "node:assert/strict";
import { parseReference } from "./oci/reference.ts";
import { defaultPullPolicy } from "./pull_policy.ts";

const HEX = "0123456789abcdef".repeat(4);

Deno.test("defaultPullPolicy() looks up the tag latest each time, and only that", () => {
  const policy = (text: string): string => defaultPullPolicy(parseReference(text));
  assert.equal(policy("a"), "Always");
  assert.equal(policy("a:latest"), "Always");
  assert.equal(policy("a:1"), "IfNotPresent");
  assert.equal(policy(`a@sha256:${HEX}`), "IfNotPresent");
});
