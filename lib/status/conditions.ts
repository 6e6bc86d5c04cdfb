/**
 * The conditions of a pod, with a kubelet's reasons and messages.
 *
 * @module
 */
import type { Container, Pod, PodCondition, PodPhase } from "../api/types.ts";
import { initProgress, type PhaseInput } from "./phase.ts";

/** The part of a container's record that conditions depend on. */
export interface ReadyInput extends PhaseInput {
  readonly ready: boolean;
}

/** What {@linkcode conditionsOf} looks at. */
export interface ConditionsInput {
  readonly pod: Pod;
  readonly containers: Readonly<Record<string, ReadyInput>>;
  readonly phase: PodPhase;
  /** True once volumes are mounted, so that containers can start. */
  readonly readyToStart: boolean;
  /** Why the node ends the pod, if it does (`DisruptionTarget`). */
  readonly disruption?: { readonly reason: string; readonly message: string };
  /** Whether resources are to change, and do (KEP-1287). @default {they do not} */
  readonly resize?: {
    readonly pending: { readonly reason: string; readonly message: string } | undefined;
    readonly inProgress: boolean;
  };
  /** Whether all containers are about to begin again (KEP-5532); absent if no rule could make them. */
  readonly restarting?: boolean;
  /** What was reported before; a condition that did not change keeps its time. */
  readonly before: readonly PodCondition[];
  /** RFC 3339. */
  readonly now: string;
}

/** All conditions that a kubelet reports, in its order. */
export function conditionsOf(input: ConditionsInput): PodCondition[] {
  const { pod, phase } = input;
  const ended = phase === "Succeeded" || phase === "Failed";
  const unready = serving(pod).map(({ name }) => name)
    .filter((name) => !isReady(input.containers[name]));
  const containersReady = containersVerdict(phase, unready);
  const found: Omit<PodCondition, "lastTransitionTime">[] = [
    { type: "PodReadyToStartContainers", status: input.readyToStart && !ended ? "True" : "False" },
    initialized(input),
    { type: "Ready", ...readyVerdict(pod, containersReady) },
    { type: "ContainersReady", ...containersReady },
    { type: "PodScheduled", status: "True" },
    ...(input.restarting === undefined ? [] : [restarting(input.restarting)]),
    ...resizing(input.resize),
  ];
  if (input.disruption !== undefined) {
    found.unshift({ type: "DisruptionTarget", status: "True", ...input.disruption });
  }
  const generation = pod.metadata?.generation;
  return found.map((condition) => {
    const old = input.before.find((one) => one.type === condition.type);
    const kept = old?.status === condition.status ? old.lastTransitionTime : undefined;
    return {
      ...condition,
      lastTransitionTime: kept ?? input.now,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
    };
  });
}

/** The containers by whose readiness a pod's is measured: sidecars count (KEP-753). */
function serving({ spec }: Pod): Container[] {
  const sidecars = (spec?.initContainers ?? []).filter((one) => one.restartPolicy === "Always");
  return [...sidecars, ...spec?.containers ?? []];
}

/** A container is ready while it runs and its probes, if it has any, say so. */
export function isReady(container: Pick<ReadyInput, "state" | "ready"> | undefined): boolean {
  return container?.state.running !== undefined && container.ready;
}

type Verdict = { status: "True" | "False"; reason?: string; message?: string };

/** The words of others count besides the containers' own (`spec.readinessGates`). */
function readyVerdict(pod: Pod, containersReady: Verdict): Verdict {
  if (containersReady.status !== "True") return containersReady;
  const missing = (pod.spec?.readinessGates ?? []).flatMap(({ conditionType: type }) => {
    const found = pod.status?.conditions?.find((one) => one.type === type);
    if (found === undefined) {
      return [`corresponding condition of pod readiness gate "${type}" does not exist.`];
    }
    if (found.status === "True") return [];
    return [`the status of pod readiness gate "${type}" is not "True", but ${found.status}`];
  });
  if (missing.length === 0) return { status: "True" };
  return { status: "False", reason: "ReadinessGatesNotReady", message: missing.join(", ") };
}

function containersVerdict(phase: PodPhase, unready: readonly string[]): Verdict {
  if (phase === "Succeeded") return { status: "False", reason: "PodCompleted" };
  if (phase === "Failed") return { status: "False", reason: "PodFailed" };
  if (unready.length === 0) return { status: "True" };
  return {
    status: "False",
    reason: "ContainersNotReady",
    message: `containers with unready status: [${unready.join(" ")}]`,
  };
}

/** Types of conditions that are there only while there is something to say. */
export const PASSING_CONDITIONS: readonly string[] = ["PodResizePending", "PodResizeInProgress"];

function resizing(resize: ConditionsInput["resize"]): (Verdict & { type: string })[] {
  const { pending, inProgress = false } = resize ?? {};
  return [
    ...(pending === undefined
      ? []
      : [{ type: "PodResizePending", status: "True" as const, ...pending }]),
    ...(inProgress ? [{ type: "PodResizeInProgress", status: "True" as const }] : []),
  ];
}

function restarting(now: boolean): Verdict & { type: string } {
  const type = "AllContainersRestarting";
  if (!now) return { type, status: "False" };
  const message = "container exited with restart policy rule";
  return { type, status: "True", reason: "RestartAllContainersStarted", message };
}

function initialized(
  { pod, containers, phase, before }: ConditionsInput,
): Verdict & { type: string } {
  const type = "Initialized";
  if (phase === "Succeeded") return { type, status: "True", reason: "PodCompleted" };
  // Also while all containers begin again.
  const was = before.some((one) => one.type === type && one.status === "True");
  if (was || initProgress(pod, containers) === "done") return { type, status: "True" };
  const missing = (pod.spec?.initContainers ?? []).map(({ name }) => name).filter((name) => {
    const state = containers[name]?.state;
    return state?.terminated?.exitCode !== 0 && state?.running === undefined;
  });
  return {
    type,
    status: "False",
    reason: "ContainersNotInitialized",
    message: `containers with incomplete status: [${missing.join(" ")}]`,
  };
}
