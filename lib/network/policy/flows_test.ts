import assert from "node:assert/strict";
import { type Flow, FLOW_MS, Flows, FLOWS_MAX } from "./flows.ts";

Deno.test("Flows remembers who has spoken, for a time that begins again with each packet", () => {
  let nowMs = 0;
  const flows = new Flows(() => nowMs);
  const flow = { uid: "a", ip: "10.0.0.1", port: 53 };
  assert.ok(!flows.has(flow));
  flows.note(flow);
  assert.ok(flows.has(flow));
  assert.ok(!flows.has({ ...flow, port: 54 }));
  assert.ok(!flows.has({ ...flow, uid: "b" }));
  nowMs += FLOW_MS - 1;
  assert.ok(flows.has(flow));
  nowMs += FLOW_MS - 1;
  assert.ok(flows.has(flow));
  nowMs += FLOW_MS;
  assert.ok(!flows.has(flow));
});

Deno.test("Flows keeps the newest of a pod, and nothing of another is lost for them", () => {
  const flows = new Flows(() => 0);
  const flow = (port: number, uid = "a"): Flow => ({ uid, ip: "10.0.0.1", port });
  flows.note(flow(0, "b"));
  for (let port = 0; port <= FLOWS_MAX; port++) flows.note(flow(port));
  assert.ok(!flows.has(flow(0)));
  assert.ok(flows.has(flow(1)));
  assert.ok(flows.has(flow(FLOWS_MAX)));
  assert.ok(flows.has(flow(0, "b")));
  flows.forget("a");
  assert.ok(!flows.has(flow(1)));
});
