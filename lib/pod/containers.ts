/**
 * Runs a pod's containers on the pod's behalf.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { isKubeletError, messageOf } from "../errors.ts";
import { sleep } from "../time.ts";
import type { ContainerRole, PodContext } from "./context.ts";

const log = getLogger(["krustlet", "pod"]);

/** How long a container rests after something went wrong that is not its own fault. */
const RETRY_MS = 10_000;

/**
 * Runs one container until it need not run again. If it can never run here, the whole pod ends.
 * Never rejects: what goes wrong on this machine (no descriptors, no disk) is tried again.
 */
export async function watchRunner(context: PodContext, role: ContainerRole): Promise<void> {
  // Who rests then is started by others.
  const stop = AbortSignal.any([context.ending.stop, context.restarting]);
  while (!stop.aborted) {
    try {
      return await context.start(role);
    } catch (error) {
      const message = `Container "${role.name}" cannot run on this node: ${messageOf(error)}`;
      if (isKubeletError(error, "rejected")) {
        context.rejection ??= { reason: error.reason ?? "UnsupportedPod", message };
        return context.ending.begin("failed", context.graceMs);
      }
      log.error("{message}, trying again", {
        message,
        error: error instanceof Error ? error.stack : String(error),
      });
      context.tell("Warning", "InternalError", message);
    }
    await sleep(RETRY_MS, stop);
  }
}
