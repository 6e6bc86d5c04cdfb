import assert from "node:assert/strict";
import { pod } from "./_world.ts";
import { describeRefusal } from "./policy_book.ts";

Deno.test("describeRefusal() says what was refused, and by which policies", () => {
  const refusal = {
    direction: "egress",
    pod: pod("web"),
    peer: { ip: "2001:db8::1", port: 443 },
    port: 443,
    protocol: "TCP",
    policies: ["deny"],
  } as const;
  assert.equal(
    describeRefusal(refusal),
    "The pod may not reach [2001:db8::1]:443 (TCP): no rule for egress of NetworkPolicy " +
      '"deny" allows it',
  );
  const policies = Array.from({ length: 7 }, (_, at) => `p${at}`);
  assert.equal(
    describeRefusal({
      ...refusal,
      direction: "ingress",
      peer: { ip: "10.0.0.1", port: 5 },
      port: 80,
      policies,
    }),
    "The pod may not be reached on port 80 (TCP) from 10.0.0.1: no rule for ingress of " +
      'NetworkPolicy "p0", "p1", "p2", "p3", "p4" and 2 more allows it',
  );
});
