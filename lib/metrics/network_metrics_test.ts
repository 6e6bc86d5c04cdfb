import assert from "node:assert/strict";
import { parseText } from "./_parse_text.ts";
import { NetworkMetrics } from "./network_metrics.ts";
import { Registry } from "./registry.ts";
import { formatMetrics } from "./text.ts";

Deno.test("NetworkMetrics counts questions, and refusals by direction and reason", async () => {
  const registry = new Registry();
  const metrics = new NetworkMetrics(registry);
  metrics.asked({ want: "connect" }, 2);
  metrics.asked({ want: "connect", reason: "policy" }, 2);
  metrics.asked({ want: "accept", reason: "policy" }, 2);
  const page = parseText(formatMetrics(await registry.families()).body);
  const of = (name: string): unknown[] =>
    page.get(name)!.samples.map(({ labels, value }) => [...Object.values(labels), value]);
  assert.deepEqual(of("krustlet_network_requests_total"), [["connect", 2], ["accept", 1]]);
  assert.deepEqual(of("krustlet_network_refused_total"), [
    ["connect", "egress", "policy", 1],
    ["accept", "ingress", "policy", 1],
  ]);
  const { samples } = page.get("krustlet_network_request_duration_seconds")!;
  const sum = samples.find(({ name, labels }) =>
    name.endsWith("_sum") && labels["want"] === "connect"
  );
  assert.equal(sum?.value, 0.004);
});
