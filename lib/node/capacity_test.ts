import assert from "node:assert/strict";
import { capacityOf } from "./capacity.ts";
import type { MachineFacts } from "./machine.ts";

const GIB = 1024 ** 3;
const AGENT = { cpu: "50m", memory: "128Mi" };
const MACHINE: MachineFacts = {
  cpuMillis: 4_000,
  memoryBytes: 8 * GIB,
  diskBytes: 100 * GIB,
  hugePages: ["1Gi", "2Mi"],
  osImage: "",
  kernelVersion: "",
  machineId: "",
  bootId: "",
  systemUuid: "",
};

Deno.test("capacityOf() is the machine's, less what the agent and eviction keep back", () => {
  assert.deepEqual(capacityOf(MACHINE, { maxPods: 110, kubeReserved: AGENT }), {
    capacity: {
      cpu: "4",
      memory: "8388608Ki",
      "ephemeral-storage": "104857600Ki",
      "hugepages-1Gi": "0",
      "hugepages-2Mi": "0",
      pods: "110",
    },
    allocatable: {
      cpu: "3950m",
      memory: "8155136Ki",
      "ephemeral-storage": "94371840Ki",
      "hugepages-1Gi": "0",
      "hugepages-2Mi": "0",
      pods: "110",
    },
  });
});

Deno.test("capacityOf() never offers less than nothing", () => {
  const { allocatable } = capacityOf({ ...MACHINE, cpuMillis: 20, memoryBytes: 1024 }, {
    maxPods: 1,
    kubeReserved: AGENT,
  });
  assert.equal(allocatable["cpu"], "0");
  assert.equal(allocatable["memory"], "0Ki");
});

Deno.test("capacityOf() keeps back what the user says, beside what eviction needs", () => {
  const { allocatable } = capacityOf(MACHINE, {
    maxPods: 1,
    systemReserved: { cpu: "500m", memory: "1Gi" },
    kubeReserved: { cpu: "0.25", "ephemeral-storage": "10Gi" },
    eviction: { thresholds: { "memory.available": { share: 0.125 } } },
  });
  assert.equal(allocatable["cpu"], "3250m");
  assert.equal(allocatable["memory"], `${6 * 1024 * 1024}Ki`);
  assert.equal(allocatable["ephemeral-storage"], `${90 * 1024 * 1024}Ki`);
});
