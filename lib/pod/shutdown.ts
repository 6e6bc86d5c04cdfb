/**
 * In which order pods end when their node does (KEP-2000, KEP-2712).
 *
 * @module
 */
import type { Pod } from "../api/types.ts";
import { isCritical } from "../resources/critical.ts";
import type { PodFailure } from "./record.ts";

/** What becomes of pods whose machine goes down; a kubelet's own words. */
export const NODE_SHUTDOWN: PodFailure = {
  reason: "Terminated",
  message: "Pod was terminated in response to imminent node shutdown.",
  disruption: "TerminationByKubelet",
};

/** What becomes of a pod that comes to a machine that goes down; a kubelet's own words. */
export const TOO_LATE: PodFailure = {
  reason: "NodeShutdown",
  message: "Pod was rejected as the node is shutting down.",
};

/** How pods end together. */
export interface ShutdownWishes {
  /** The part of the time that pods of the system have for themselves, after all others, in ms. */
  readonly criticalGraceMs?: number | undefined;
  /** What the pods have failed of. Without it they stay, and the next agent goes on with them. */
  readonly failure?: PodFailure | undefined;
}

/** Pods that end at the same time, and how long they may take. */
export interface ShutdownGroup<T> {
  readonly members: readonly T[];
  readonly graceMs: number;
}

/** The groups in their order: first ordinary pods, then those of the system. Touches nothing. */
export function shutdownGroups<T extends { readonly pod: Pod }>(
  all: readonly T[],
  { graceMs, criticalGraceMs }: { readonly graceMs: number } & ShutdownWishes,
): ShutdownGroup<T>[] {
  if (criticalGraceMs === undefined) return [{ members: all, graceMs }];
  const critical = Math.min(criticalGraceMs, graceMs);
  return [
    { members: all.filter(({ pod }) => !isCritical(pod)), graceMs: graceMs - critical },
    { members: all.filter(({ pod }) => isCritical(pod)), graceMs: critical },
  ].filter(({ members }) => members.length > 0);
}
