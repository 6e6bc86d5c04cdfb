/**
 * What a probe asks for, with every default filled in.
 *
 * @module
 */
import type { Probe } from "../api/types.ts";

/** What a probe is for. */
export type ProbeKind = "startup" | "liveness" | "readiness";

/** When a probe asks, and how many answers it takes to believe them. */
export interface ProbeTimes {
  readonly initialDelayMs: number;
  readonly timeoutMs: number;
  readonly periodMs: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
}

/** Defaults are those of the API; a zero means the default, as in a kubelet. */
export function probeTimes(probe: Probe): ProbeTimes {
  return {
    initialDelayMs: (probe.initialDelaySeconds ?? 0) * 1000,
    timeoutMs: (probe.timeoutSeconds || 1) * 1000,
    periodMs: (probe.periodSeconds || 10) * 1000,
    successThreshold: probe.successThreshold || 1,
    failureThreshold: probe.failureThreshold || 3,
  };
}
