/**
 * What the node has, and what of it pods may ask for.
 *
 * @module
 */
import { parseQuantity, quantityBytes, quantityMillis } from "../quantity.ts";
import {
  amountUnits,
  EVICTION_HARD_DEFAULT,
  parseThresholds,
  type Thresholds,
} from "../thresholds.ts";
import type { MachineFacts } from "./machine.ts";

/** `status.capacity` and `status.allocatable` as Kubernetes quantities. */
export interface Capacity {
  readonly capacity: Record<string, string>;
  readonly allocatable: Record<string, string>;
}

/** What of the machine is not for pods. `KrustletConfig` fits. */
export interface CapacitySettings {
  /** How many pods the node says it takes. */
  readonly maxPods: number;
  /** Quantities by resource, for other programs. @default {none} */
  readonly systemReserved?: Readonly<Record<string, string>>;
  /** Quantities by resource, for this program. @default {none} */
  readonly kubeReserved?: Readonly<Record<string, string>>;
  /** When pods are evicted. @default {as a kubelet's} */
  readonly eviction?: { readonly thresholds: Thresholds };
}

/**
 * Capacity is the machine's. Allocatable keeps back what is reserved and, as a kubelet does, what is left
 * when eviction begins.
 */
export function capacityOf(machine: MachineFacts, settings: CapacitySettings): Capacity {
  const hugePages = Object.fromEntries(
    // Guests cannot map huge pages, so none are offered.
    machine.hugePages.map((size) => [`hugepages-${size}`, "0"]),
  );
  const pods = String(settings.maxPods);
  const kept = (name: string): number => reservedUnits(settings, name);
  const { thresholds } = settings.eviction ??
    { thresholds: parseThresholds(EVICTION_HARD_DEFAULT) };
  const left = (signal: "memory.available" | "nodefs.available", capacity: number): number => {
    const amount = thresholds[signal];
    return amount === undefined ? 0 : amountUnits(amount, capacity);
  };
  const { cpuMillis, memoryBytes, diskBytes } = machine;
  return {
    capacity: {
      cpu: cpu(cpuMillis),
      memory: kibibytes(memoryBytes),
      "ephemeral-storage": kibibytes(diskBytes),
      ...hugePages,
      pods,
    },
    allocatable: {
      cpu: cpu(cpuMillis - kept("cpu")),
      memory: kibibytes(memoryBytes - kept("memory") - left("memory.available", memoryBytes)),
      "ephemeral-storage": kibibytes(
        diskBytes - kept("ephemeral-storage") - left("nodefs.available", diskBytes),
      ),
      ...hugePages,
      pods,
    },
  };
}

/** Thousandths of a CPU, or bytes. */
function reservedUnits(
  { systemReserved = {}, kubeReserved = {} }: CapacitySettings,
  name: string,
): number {
  return [systemReserved[name], kubeReserved[name]].reduce((total, text) => {
    const quantity = parseQuantity(text ?? "0");
    return total + (name === "cpu" ? Number(quantityMillis(quantity)) : quantityBytes(quantity));
  }, 0);
}

function cpu(millis: number): string {
  const left = Math.max(0, millis);
  return left % 1_000 === 0 ? String(left / 1_000) : `${left}m`;
}

function kibibytes(bytes: number): string {
  return `${Math.max(0, Math.floor(bytes / 1_024))}Ki`;
}
