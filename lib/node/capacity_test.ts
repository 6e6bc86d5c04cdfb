import assert from "node:assert/strict";
import { capacityOf } from "./capacity.ts";
import type { MachineFacts } from "./machine.ts";

const GIB = 1024 ** 3;
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
  assert.deepEqual(capacityOf(MACHINE, 110), {
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
  const { allocatable } = capacityOf({ ...MACHINE, cpuMillis: 20, memoryBytes: 1024 }, 1);
  assert.equal(allocatable["cpu"], "0");
  assert.equal(allocatable["memory"], "0Ki");
});
