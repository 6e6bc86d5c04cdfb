/**
 * What the node has, and what of it pods may ask for.
 *
 * @module
 */
import type { MachineFacts } from "./machine.ts";
import { DISK_AVAILABLE_SHARE_MIN, MEMORY_AVAILABLE_BYTES_MIN } from "./pressure.ts";

/** The agent with its pool of warm guest processes, at rest. */
const AGENT_MEMORY_BYTES = 128 * 1024 * 1024;
/** Leases, status and watches, measured in thousandths of a CPU and rounded up. */
const AGENT_CPU_MILLIS = 50;

/** `status.capacity` and `status.allocatable` as Kubernetes quantities. */
export interface Capacity {
  readonly capacity: Record<string, string>;
  readonly allocatable: Record<string, string>;
}

/**
 * Capacity is the machine's. Allocatable keeps back what the agent itself needs and, as a kubelet
 * does, what is left when eviction begins.
 */
export function capacityOf(machine: MachineFacts, maxPods: number): Capacity {
  const hugePages = Object.fromEntries(
    // Guests cannot map huge pages, so none are offered.
    machine.hugePages.map((size) => [`hugepages-${size}`, "0"]),
  );
  const pods = String(maxPods);
  const diskBytes = Math.floor(machine.diskBytes * (1 - DISK_AVAILABLE_SHARE_MIN));
  const memoryBytes = machine.memoryBytes - AGENT_MEMORY_BYTES - MEMORY_AVAILABLE_BYTES_MIN;
  return {
    capacity: {
      cpu: cpu(machine.cpuMillis),
      memory: kibibytes(machine.memoryBytes),
      "ephemeral-storage": kibibytes(machine.diskBytes),
      ...hugePages,
      pods,
    },
    allocatable: {
      cpu: cpu(machine.cpuMillis - AGENT_CPU_MILLIS),
      memory: kibibytes(memoryBytes),
      "ephemeral-storage": kibibytes(diskBytes),
      ...hugePages,
      pods,
    },
  };
}

function cpu(millis: number): string {
  const left = Math.max(0, millis);
  return left % 1_000 === 0 ? String(left / 1_000) : `${left}m`;
}

function kibibytes(bytes: number): string {
  return `${Math.max(0, Math.floor(bytes / 1_024))}Ki`;
}
