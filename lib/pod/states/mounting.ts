import { isKubeletError, messageOf } from "../../errors.ts";
import { sleep } from "../../time.ts";
import { runEphemeral } from "../ephemeral.ts";
import { settleRuntimeHandler } from "../runtime_class.ts";
import { watchSizes } from "../size_watch.ts";
import type { NextOf, PodState } from "../edges.ts";

/** First and longest pause before a volume that could not be mounted is tried again. */
const RETRY_MS = { first: 1_000, max: 10_000 };

/** Mounts all volumes, finds the pod's runtime and takes its addresses, however long that takes. */
export const mounting: PodState<"mounting"> = {
  async run(context): Promise<NextOf<"mounting">> {
    const signal = context.ending.stop;
    let pauseMs = RETRY_MS.first;
    for (;;) {
      try {
        context.mounted = await context.services.volumes.mountAll(context.pod, signal);
        if (!await settleRuntimeHandler(context)) return "terminating";
        await context.services.networks?.take(context.pod, signal);
        void watchSizes(context);
        void runEphemeral(context);
        context.readyToStart = true;
        return "initializing";
      } catch (error) {
        if (signal.aborted) return "terminating";
        if (isKubeletError(error, "rejected")) {
          context.rejection = { reason: error.reason ?? "UnsupportedPod", message: error.message };
          context.ending.begin("failed", 0);
          return "terminating";
        }
        const reason = isKubeletError(error, "network") ? "FailedCreatePodSandBox" : "FailedMount";
        context.tell("Warning", reason, messageOf(error));
        await context.changed();
      }
      if (!await sleep(pauseMs, signal)) return "terminating";
      pauseMs = Math.min(pauseMs * 2, RETRY_MS.max);
    }
  },
};
