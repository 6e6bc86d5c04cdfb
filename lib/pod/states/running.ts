import { aborted } from "../../time.ts";
import { refreshVolumes } from "../refresh.ts";
import { watchRunner } from "../containers.ts";
import type { NextOf, PodState } from "../edges.ts";

/** Runs all containers, until none of them needs to run again or the pod is told to end. */
export const running: PodState<"running"> = {
  async run(context): Promise<NextOf<"running">> {
    const policy = context.pod.spec?.restartPolicy ?? "Always";
    const all = (context.pod.spec?.containers ?? []).map(({ name }) =>
      watchRunner(context, { name, init: false, policy })
    );
    const refreshing = refreshVolumes(context);
    await Promise.race([Promise.all(all), aborted(context.ending.stop)]);
    if (context.ending.stop.aborted) return "terminating";
    // Sidecars run for as long as the containers that they serve, and no longer.
    context.ending.begin("ended", context.graceMs);
    await Promise.all([context.ended(), refreshing]);
    return "finished";
  },
};
