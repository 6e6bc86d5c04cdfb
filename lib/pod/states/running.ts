import { aborted } from "../../time.ts";
import { refreshVolumes } from "../refresh.ts";
import { watchRunner } from "../containers.ts";
import type { NextOf, PodState } from "../edges.ts";

/** Runs all containers, until none of them needs to run again, all begin again, or the pod is told to end. */
export const running: PodState<"running"> = {
  async run(context): Promise<NextOf<"running">> {
    const policy = context.pod.spec?.restartPolicy ?? "Always";
    const all = (context.pod.spec?.containers ?? []).map(({ name }) =>
      watchRunner(context, { name, init: false, policy })
    );
    const over = AbortSignal.any([context.ending.stop, context.restarting]);
    const refreshing = refreshVolumes(context, over);
    await Promise.race([Promise.all(all), aborted(over)]);
    if (context.ending.stop.aborted) return "terminating";
    if (context.restarting.aborted) {
      await refreshing;
      return "restarting";
    }
    // Sidecars run for as long as the containers that they serve, and no longer.
    context.ending.begin("ended", context.graceMs);
    await Promise.all([context.ended(), refreshing]);
    return "finished";
  },
};
