import { podDir, podLogDir } from "../../container/places.ts";
import { removeTree } from "../../files.ts";
import { aborted } from "../../time.ts";
import type { NextOf, PodState } from "../edges.ts";

/** Says the last word, removes everything of the pod on this machine, and lets the cluster know. */
export const removing: PodState<"removing"> = {
  async run(context): Promise<NextOf<"removing">> {
    const { services, key, pod, record } = context;
    if (record.finalPhase === undefined) {
      const states = (pod.spec?.containers ?? []).map(({ name }) => record.containers[name]?.state);
      const succeeded = states.every((state) => state?.terminated?.exitCode === 0);
      record.finalPhase = succeeded ? "Succeeded" : "Failed";
    }
    context.readyToStart = false;
    await context.changed();
    await services.volumes.unmountAll(key.uid);
    if (!context.gone.aborted) {
      await Promise.race([services.status.release(key), aborted(context.gone)]);
    }
    services.status.forget(key.uid);
    await removeTree(podLogDir(services.logsDir, pod));
    await removeTree(podDir(services.podsDir, key.uid));
    return "removed";
  },
};
