import { ignoredFields, refusal } from "../admission.ts";
import type { NextOf, PodState } from "../edges.ts";
import { makeRoom } from "../preempt.ts";

/** Asks whether this pod has ended already, and whether it can ever run here. */
export const registered: PodState<"registered"> = {
  async run(context): Promise<NextOf<"registered">> {
    const { record, pod, services } = context;
    if (record.finalPhase !== undefined || record.failure !== undefined) return "finished";
    const failure = refusal(pod, services.provider) ?? await makeRoom(context);
    if (failure !== undefined) {
      context.rejection = failure;
      return "rejecting";
    }
    // Only an agent gives a pod its start: one that has none has not been told of.
    const ignored = record.reported?.startTime === undefined ? ignoredFields(pod) : undefined;
    if (ignored !== undefined) context.tell("Warning", "UnsupportedField", ignored);
    void context.changed();
    context.held = services.hold?.(pod);
    return "mounting";
  },
};
