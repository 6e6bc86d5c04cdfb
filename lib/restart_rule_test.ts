import assert from "node:assert/strict";
import type { RestartPolicy } from "./api/types.ts";
import { isRestarted, type RestartWishes } from "./restart_rule.ts";

Deno.test("isRestarted() asks the rules, then the container's policy, then the pod's", () => {
  const rule = (operator: "In" | "NotIn", ...values: number[]): RestartWishes => ({
    restartPolicy: "Never",
    restartPolicyRules: [{ action: "Restart", exitCodes: { operator, values } }],
  });
  const table: [string, RestartWishes, RestartPolicy, number, boolean][] = [
    ["the pod's policy", {}, "Always", 0, true],
    ["the pod's policy", {}, "OnFailure", 0, false],
    ["the pod's policy", {}, "OnFailure", 1, true],
    ["the pod's policy", {}, "Never", 1, false],
    ["the container's own", { restartPolicy: "Never" }, "Always", 1, false],
    ["the container's own", { restartPolicy: "OnFailure" }, "Never", 1, true],
    ["the container's own", { restartPolicy: "OnFailure" }, "Always", 0, false],
    ["the container's own", { restartPolicy: "Always" }, "Never", 0, true],
    ["a code that is named", rule("In", 42, 43), "Never", 43, true],
    ["a code that is not named", rule("In", 42), "Always", 43, false],
    ["any other code", rule("NotIn", 42), "Never", 0, true],
    ["any other code", rule("NotIn", 42), "Never", 42, false],
    ["a rule about nothing", { restartPolicyRules: [{ action: "Restart" }] }, "Never", 1, false],
  ];
  for (const [what, container, policy, code, expected] of table) {
    assert.equal(isRestarted(container, policy, code), expected, `${what}: ${policy}, ${code}`);
  }
});
