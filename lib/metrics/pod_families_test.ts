import assert from "node:assert/strict";
import { parseText } from "./_parse_text.ts";
import { podFamilies } from "./pod_families.ts";
import { processFamilies } from "./process_metrics.ts";
import { formatMetrics } from "./text.ts";

Deno.test("podFamilies() counts pods and containers by what they do", () => {
  const running = { state: { running: {} } };
  const page = parseText(
    formatMetrics(podFamilies([
      {
        status: {
          phase: "Running",
          initContainerStatuses: [{ state: { terminated: {} } }],
          containerStatuses: [running, { state: {} }],
        },
        spec: { ephemeralContainers: [{}] },
      },
      { status: { phase: "Succeeded", containerStatuses: [{ state: { terminated: {} } }] } },
      {
        metadata: { annotations: { "kubernetes.io/config.source": "file" } },
        status: { phase: "Running", containerStatuses: [running] },
      },
      {},
    ])).body,
  );
  const values = (name: string): [string, number][] =>
    page.get(name)!.samples.map(({ labels, value }) => [Object.values(labels).join(), value]);
  assert.deepEqual(values("kubelet_running_pods"), [["", 2]]);
  assert.deepEqual(values("kubelet_running_containers"), [
    ["created", 1],
    ["exited", 2],
    ["running", 2],
  ]);
  assert.deepEqual(values("kubelet_desired_pods"), [["", 3], ["true", 1]]);
  assert.deepEqual(values("kubelet_active_pods"), [["", 2], ["true", 1]]);
  assert.deepEqual(values("kubelet_managed_ephemeral_containers"), [["", 1]]);
});

Deno.test("processFamilies() tells of this process", async () => {
  const page = parseText(formatMetrics(await processFamilies()).body);
  const value = (name: string): number => page.get(name)!.samples[0]!.value;
  assert.ok(value("process_cpu_seconds_total") > 0);
  assert.ok(value("process_resident_memory_bytes") > 2 ** 20);
  const age = Date.now() / 1000 - value("process_start_time_seconds");
  assert.ok(age >= 0 && age < 24 * 3600, `${age}`);
});
