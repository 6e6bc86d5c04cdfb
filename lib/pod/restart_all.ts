/**
 * All containers of a pod begin again where they are, because a rule of one of them says so (KEP-5532).
 *
 * @module
 */
import type { Container, Pod } from "../api/types.ts";
import { decideRestart } from "../container/decide.ts";
import { type ContainerRecord, endedRun } from "../container/record.ts";
import { RESTARTING_ALL, restartsAll } from "../restart_rule.ts";
import type { PodRecord } from "./record.ts";

/** What a container waits for that has made room, in a kubelet's words. */
const WAITING = {
  reason: RESTARTING_ALL,
  message: "The container is removed because RestartAllContainers in place",
};

/**
 * Makes everything in the record as new, but for the counts and for how each run has ended: all containers
 * wait for their start, the first init container too. Nothing of the pod runs.
 *
 * Whoever has caused it waits its back-off, so that a pod that does nothing else does it seldom.
 *
 * @param killed the containers that ran until now.
 */
export function beginAgain(
  { spec }: Pod,
  record: Pick<PodRecord, "containers">,
  { killed, nowMs }: { readonly killed: ReadonlySet<string>; readonly nowMs: number },
): void {
  for (const container of [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])]) {
    const found = record.containers[container.name];
    const ended = found === undefined ? undefined : endedRun(found);
    if (found === undefined || ended === undefined) continue;
    const { name } = container;
    if (!killed.has(name) && restartsAll(container, found.state.terminated)) {
      planStart(found, container, nowMs);
    } else {
      found.restartCount++;
      delete found.backoff;
    }
    // It did not end by itself, and nobody is to take it for a failure.
    const byUs = killed.has(name) && ended.reason !== "Completed";
    const reason = byUs ? RESTARTING_ALL : ended.reason;
    found.lastState = { terminated: { ...ended, ...(reason === undefined ? {} : { reason }) } };
    found.state = { waiting: WAITING };
    found.started = false;
    found.ready = false;
  }
}

/** Does what an agent has begun, or would have, when it was ended itself. What ran then is lost. */
export function resumeRestart(pod: Pod, record: PodRecord, nowMs: number): void {
  if (record.finalPhase !== undefined || record.failure !== undefined) return;
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  const begun = record.restarting === true ||
    containers.some((container) =>
      restartsAll(container, record.containers[container.name]?.state.terminated)
    );
  if (!begun) return;
  const killed = containers.map(({ name }) => name).filter((name) =>
    record.containers[name]?.state.terminated?.reason === "ContainerStatusUnknown"
  );
  beginAgain(pod, record, { killed: new Set(killed), nowMs });
  delete record.restarting;
}

/** As after any other ending, but for the count, which goes up when it starts. */
function planStart(record: ContainerRecord, container: Container, nowMs: number): void {
  const decision = decideRestart({
    policy: "Always",
    container,
    ended: record.state.terminated,
    attempt: record.restartCount,
    backoff: record.backoff,
    nowMs,
  });
  if (decision.do === "start" && decision.backoff !== undefined) record.backoff = decision.backoff;
}
