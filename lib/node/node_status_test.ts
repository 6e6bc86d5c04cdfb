import assert from "node:assert/strict";
import type { NodeStatus } from "../api/types.ts";
import { essenceOf, isReportDue, STATUS_REPORT_MS, statusPatch } from "./node_status.ts";

const STATUS: NodeStatus = {
  capacity: { cpu: "1" },
  conditions: [{
    type: "Ready",
    status: "True",
    reason: "r",
    message: "m",
    lastHeartbeatTime: "1",
  }],
  addresses: [{ type: "InternalIP", address: "10.0.0.1" }],
};

Deno.test("isReportDue() reports news at once, and no news every five minutes", () => {
  const sent = { essence: essenceOf(STATUS), atMs: 0 };
  const node = { status: STATUS };
  const heartbeat = {
    ...STATUS,
    conditions: [{ ...STATUS.conditions![0]!, lastHeartbeatTime: "2" }],
  };
  assert.equal(isReportDue(STATUS, { sent: undefined, node, nowMs: 0 }), true);
  assert.equal(isReportDue(heartbeat, { sent, node, nowMs: STATUS_REPORT_MS - 1 }), false);
  assert.equal(isReportDue(heartbeat, { sent, node, nowMs: STATUS_REPORT_MS }), true);
  const changed = { ...STATUS, capacity: { cpu: "2" } };
  assert.equal(isReportDue(changed, { sent, node, nowMs: 1 }), true);
});

Deno.test("isReportDue() contradicts a cluster that believes something else", () => {
  const sent = { essence: essenceOf(STATUS), atMs: 0 };
  const unknown = { ...STATUS.conditions![0]!, status: "Unknown" as const };
  const network = { type: "NetworkUnavailable", status: "False" as const };
  const node = (conditions: NodeStatus["conditions"]): { status: NodeStatus } => ({
    status: { ...STATUS, conditions: conditions! },
  });
  assert.equal(isReportDue(STATUS, { sent, node: node([unknown]), nowMs: 1 }), true);
  assert.equal(
    isReportDue(STATUS, { sent, node: node([network, STATUS.conditions![0]!]), nowMs: 1 }),
    false,
  );
});

Deno.test("statusPatch() replaces the addresses as a whole", () => {
  assert.deepEqual(statusPatch(STATUS), {
    status: { ...STATUS, addresses: [...STATUS.addresses!, { $patch: "replace" }] },
  });
});
