import { getLogger } from "@logtape/logtape";
import { podDir, podLogDir } from "../../container/places.ts";
import { messageOf } from "../../errors.ts";
import { removeTree } from "../../files.ts";
import { aborted, sleep } from "../../time.ts";
import type { PodContext } from "../context.ts";
import type { NextOf, PodState } from "../edges.ts";

const log = getLogger(["krustlet", "pod"]);

/** First and longest pause before files that could not be removed are tried again. */
const RETRY_MS = { first: 1_000, max: 60_000 };
/** Tries before the pod is let go all the same; what it leaves is an orphan, which somebody looks for. */
const TRIES_MAX = 5;

/** Says the last word, removes everything of the pod on this machine, and lets the cluster know. */
export const removing: PodState<"removing"> = {
  async run(context): Promise<NextOf<"removing">> {
    const { services, key, pod, record } = context;
    context.settleContainers();
    if (record.finalPhase === undefined) {
      const states = (pod.spec?.containers ?? []).map(({ name }) => record.containers[name]?.state);
      const succeeded = record.failure === undefined &&
        states.every((state) => state?.terminated?.exitCode === 0);
      record.finalPhase = succeeded ? "Succeeded" : "Failed";
    }
    context.readyToStart = false;
    await context.changed();
    await stubbornly(context, async () => await services.networks?.release(key.uid));
    await stubbornly(context, () => services.volumes.unmountAll(key.uid));
    if (!context.own && !context.gone.aborted) {
      await Promise.race([services.status.release(key), aborted(context.gone)]);
    }
    services.status.forget(key.uid);
    await stubbornly(context, () => removeTree(podLogDir(services.logsDir, pod)));
    await stubbornly(context, () => removeTree(podDir(services.podsDir, key.uid)));
    return "removed";
  },
};

/** Tries again what the disk refuses: a pod that cannot be deleted would stay for ever. */
async function stubbornly(context: PodContext, remove: () => Promise<void>): Promise<void> {
  let pauseMs = RETRY_MS.first;
  for (let tries = 1; tries <= TRIES_MAX; tries++) {
    try {
      return await remove();
    } catch (error) {
      log.warn("Cannot remove what pod {namespace}/{name} leaves: {error}", {
        ...context.key,
        error: messageOf(error),
      });
    }
    await sleep(pauseMs);
    pauseMs = Math.min(pauseMs * 2, RETRY_MS.max);
  }
}
