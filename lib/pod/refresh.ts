/**
 * Keeps the volumes of a running pod as new as what they are made of.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { messageOf } from "../errors.ts";
import { sleep } from "../time.ts";
import type { PodContext } from "./context.ts";

const log = getLogger(["krustlet", "pod"]);

/** How often, on the average: a kubelet's own period. Pods are spread over a third of it. */
const REFRESH_MS = 60_000;

/**
 * Mounts the pod's volumes again and again until it ends: changed ConfigMaps and Secrets appear in
 * them, and tokens are renewed before they expire. What cannot be had stays as it was.
 */
export async function refreshVolumes(context: PodContext): Promise<void> {
  const { services, ending, key } = context;
  if (context.mounted.size === 0) return;
  const { stop } = ending;
  const periodMs = services.refreshMs ?? REFRESH_MS;
  while (await sleep(periodMs * (5 / 6 + Math.random() / 3), stop)) {
    try {
      await services.volumes.mountAll(context.pod, stop);
    } catch (error) {
      if (stop.aborted) return;
      log.warn("Cannot refresh the volumes of pod {namespace}/{name}: {error}", {
        ...key,
        error: messageOf(error),
      });
    }
  }
}
