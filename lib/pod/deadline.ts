/**
 * The time that a pod may be active (`spec.activeDeadlineSeconds`).
 *
 * @module
 */
import { sleep } from "../time.ts";
import type { PodContext } from "./context.ts";

/** Fails the pod at its deadline, which may be moved while it runs, unless it has begun to end by then. */
export async function watchDeadline(context: PodContext, over: AbortSignal): Promise<void> {
  const startMs = startOf(context);
  while (!over.aborted) {
    if (context.record.finalPhase !== undefined || context.ending.cause !== undefined) return;
    const seconds = context.pod.spec?.activeDeadlineSeconds;
    const leftMs = seconds === undefined ? Infinity : startMs + seconds * 1000 - performance.now();
    if (leftMs <= 0) return fail(context);
    const moved = new AbortController();
    const signal = AbortSignal.any([over, moved.signal]);
    const changed = context.latest.changed(signal);
    // A timer holds 24.8 days at most; behind that, it is looked at again.
    await (leftMs === Infinity ? changed : Promise.race([changed, sleep(leftMs, signal)]));
    moved.abort();
  }
}

/**
 * When the pod started, in ms of the clock that only goes on: one that is set while the pod is watched
 * neither ends it nor spares it. What an earlier agent saw of it is known by the clock of the wall alone.
 */
function startOf({ record }: PodContext): number {
  return performance.now() - Math.max(0, Date.now() - Date.parse(record.startTime));
}

function fail(context: PodContext): void {
  const message = "Pod was active on the node longer than the specified deadline";
  context.tell("Normal", "DeadlineExceeded", message);
  context.fail({ reason: "DeadlineExceeded", message }, context.graceMs);
}
