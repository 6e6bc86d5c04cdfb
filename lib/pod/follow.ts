/**
 * What a change of the pod's own object changes in its status.
 *
 * @module
 */
import type { Pod } from "../api/types.ts";
import type { PodContext } from "./context.ts";

/**
 * Reports the pod anew whenever its spec has changed (`observedGeneration`), or a condition that its
 * readiness waits for, until the signal aborts.
 */
export async function followPod(context: PodContext, over: AbortSignal): Promise<void> {
  let seen = wordsOf(context.pod);
  while (!over.aborted) {
    await context.latest.changed(over);
    context.services.networks?.update(context.pod);
    const now = wordsOf(context.pod);
    // A pod that has ended is left as it was told.
    if (over.aborted || now === seen || context.record.finalPhase !== undefined) continue;
    seen = now;
    void context.changed();
  }
}

/** Everything of others that a status depends on, as a text that can be compared. */
function wordsOf({ metadata, spec, status }: Pod): string {
  const gates = (spec?.readinessGates ?? []).map(({ conditionType }) =>
    status?.conditions?.find(({ type }) => type === conditionType)?.status
  );
  return JSON.stringify([metadata?.generation, gates]);
}
