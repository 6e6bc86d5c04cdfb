/**
 * The three probes of one run of a container, and what follows from their answers.
 *
 * @module
 */
import type { Container, Probe } from "../api/types.ts";
import { attempt, type ProbeTarget } from "./attempt.ts";
import type { Outcome } from "./outcome.ts";
import { probeForever } from "./prober.ts";
import { type ProbeKind, probeTimes } from "./spec.ts";
import type { Answer } from "./tally.ts";

/** How a running container is. */
export interface Health {
  /** Its startup probe has succeeded, or it has none. */
  readonly started: boolean;
  /** It is started, and its readiness probe (if any) says that it can serve. */
  readonly ready: boolean;
}

/** What the probes of one run work with. */
export interface ContainerProbesOptions {
  readonly spec: Pick<Container, "startupProbe" | "livenessProbe" | "readinessProbe">;
  readonly target: ProbeTarget;
  /** Since when the container runs, in ms of `performance.now()`. */
  readonly startedMs: number;
  /** Hears of the health at the beginning, and of each change. */
  onHealth(health: Health): void;
  /** Hears of each attempt, and how long it took, in ms. */
  onAttempt?(kind: ProbeKind, outcome: Outcome, ms: number): void;
  /** Hears of each attempt that is not a plain success. */
  onTrouble(kind: ProbeKind, outcome: Outcome): void;
  /** The container must end: its startup or liveness probe has failed for good. */
  onFailed(kind: "startup" | "liveness", probe: Probe): void;
  /** Aborted when the container's end begins: then only its readiness still matters. */
  readonly stop: AbortSignal;
  /** Aborted when the container has ended. */
  readonly ended: AbortSignal;
}

/** What a container without probes is, as soon as it runs; one with probes has to show it. */
export function initialHealth(spec: ContainerProbesOptions["spec"]): Health {
  const started = spec.startupProbe === undefined;
  return { started, ready: started && spec.readinessProbe === undefined };
}

/** Asks until the container has ended. Never rejects. */
export async function runProbes(options: ContainerProbesOptions): Promise<void> {
  const { spec, onHealth, onFailed, stop, ended } = options;
  const { startupProbe, livenessProbe, readinessProbe } = spec;
  let health = initialHealth(spec);
  onHealth(health);
  const ending = AbortSignal.any([stop, ended]);
  if (startupProbe !== undefined) {
    await ask(options, { kind: "startup", probe: startupProbe, signal: ending }, (answer) => {
      if (answer === "failure") onFailed("startup", startupProbe);
      else health = { started: true, ready: readinessProbe === undefined };
      return false;
    });
    if (!health.started) return;
    onHealth(health);
  }
  const readiness = ask(
    options,
    { kind: "readiness", probe: readinessProbe, signal: ended },
    (answer) => {
      const ready = answer === "success";
      if (ready === health.ready) return true;
      health = { ...health, ready };
      onHealth(health);
      return true;
    },
  );
  const liveness = ask(
    options,
    { kind: "liveness", probe: livenessProbe, signal: ending },
    (answer) => {
      if (answer === "success" || livenessProbe === undefined) return true;
      onFailed("liveness", livenessProbe);
      return false;
    },
  );
  await Promise.all([readiness, liveness]);
}

async function ask(
  { target, startedMs, onAttempt, onTrouble }: ContainerProbesOptions,
  { kind, probe, signal }: {
    readonly kind: ProbeKind;
    readonly probe: Probe | undefined;
    readonly signal: AbortSignal;
  },
  onBelieved: (answer: Answer) => boolean,
): Promise<void> {
  if (probe === undefined) return;
  const times = probeTimes(probe);
  await probeForever({
    times,
    startedMs,
    ask: async (signal) => {
      const beganMs = performance.now();
      const outcome = await attempt(probe, target, { timeoutMs: times.timeoutMs, signal });
      onAttempt?.(kind, outcome, performance.now() - beganMs);
      return outcome;
    },
    onTrouble: (outcome) => onTrouble(kind, outcome),
    onBelieved,
    signal,
  });
}
