/**
 * What an evicted pod is told, in a kubelet's words: each sentence ends with a space.
 *
 * @module
 */
import { formatQuantity, parseQuantity } from "../quantity.ts";
import type { Met } from "./pressure.ts";
import type { Signal } from "../thresholds.ts";

/** What is short when a signal is low. */
export function resourceOf(signal: Signal): "memory" | "ephemeral-storage" | "inodes" | "pids" {
  if (signal === "memory.available") return "memory";
  if (signal === "pid.available") return "pids";
  return signal.endsWith(".inodesFree") ? "inodes" : "ephemeral-storage";
}

/** A container that uses more than it asked for. */
export interface Glutton {
  readonly name: string;
  readonly usage: number;
  readonly request: number;
}

/** Why a pod was chosen when a signal was low. */
export function lowMessage(
  { signal, threshold, available }: Met,
  gluttons: readonly Glutton[] = [],
): string {
  const resource = resourceOf(signal);
  const print = isCounted(resource) ? String : bytesText;
  const containers = gluttons.map(({ name, usage, request }) =>
    `Container ${name} was using ${print(usage)}, request is ${print(request)}, has larger \
consumption of ${resource}. `
  );
  return `The node was low on resource: ${resource}. Threshold quantity: ${print(threshold)}, \
available: ${kibibytesText(available, resource)}. ${containers.join("")}`;
}

/** Bytes as the API prints them, as `100Mi`. */
export function bytesText(bytes: number): string {
  const { nanos } = parseQuantity(String(Math.round(bytes)));
  return formatQuantity({ nanos, format: "BinarySI" });
}

// What is there at a moment has no round number of anything.
function kibibytesText(amount: number, resource: string): string {
  return isCounted(resource) ? String(amount) : `${Math.floor(amount / 1024)}Ki`;
}

function isCounted(resource: string): boolean {
  return resource === "inodes" || resource === "pids";
}
