import { sleep } from "../../time.ts";
import type { NextOf, PodState } from "../edges.ts";

/** Fails the pod, at once or a little later (see {@linkcode RejectionThrottle}). */
export const rejecting: PodState<"rejecting"> = {
  async run(context, signal): Promise<NextOf<"rejecting">> {
    const { record, pod, services, key } = context;
    const { reason, message } = context.rejection ?? { reason: "UnsupportedPod", message: "" };
    const delayMs = services.rejections.delayMs(pod, performance.now());
    if (delayMs > 0) {
      // Not failed yet, but whoever looks sees why. No container of it has ever run.
      for (const container of Object.values(record.containers)) {
        container.state = { waiting: { reason, message } };
      }
      await context.changed();
      if (!await sleep(delayMs, signal)) return "terminating";
    }
    record.failure = { reason, message };
    context.tell("Warning", reason, `Cannot run pod "${key.namespace}/${key.name}": ${message}`);
    return "finished";
  },
};
