import { isUnderWay } from "../../container/record.ts";
import { beginAgain } from "../restart_all.ts";
import type { NextOf, PodState } from "../edges.ts";

/** Sees that nothing of the pod runs any more, and makes all its containers as new. Volumes stay. */
export const restarting: PodState<"restarting"> = {
  async run(context): Promise<NextOf<"restarting">> {
    const { record, pod, ending } = context;
    const { initContainers = [], containers = [] } = pod.spec ?? {};
    const killed = [...initContainers, ...containers].map(({ name }) => name).filter((name) => {
      const container = record.containers[name];
      return container !== undefined && isUnderWay(container);
    });
    for (const name of killed) context.tellStop(name);
    await context.halted();
    if (ending.stop.aborted) return "terminating";
    beginAgain(pod, record, { killed: new Set(killed), nowMs: Date.now() });
    context.beginAgain();
    await context.changed();
    return "initializing";
  },
};
