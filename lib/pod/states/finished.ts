import { aborted } from "../../time.ts";
import type { NextOf, PodState } from "../edges.ts";

/** Says how the pod ended, gives back its volumes and addresses, and waits until it is deleted. */
export const finished: PodState<"finished"> = {
  async run(context): Promise<NextOf<"finished">> {
    const { services, key, pod, record } = context;
    // A pod that an earlier agent has finished, and told of, is not told of again.
    const told = !context.readyToStart && record.finalPhase !== undefined &&
      pod.status?.phase === record.finalPhase;
    context.readyToStart = false;
    context.conclude();
    if (!told) await context.changed();
    context.held?.[Symbol.dispose]();
    await services.networks?.release(key.uid);
    await services.volumes.unmountAll(key.uid);
    await aborted(context.dismissed);
    return context.ending.cause === "deleted" || context.gone.aborted ? "removing" : "suspended";
  },
};
