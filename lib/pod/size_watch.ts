import { getLogger } from "@logtape/logtape";
import { messageOf } from "../errors.ts";
import { isCritical } from "../resources/critical.ts";
import { sleep } from "../time.ts";
import type { PodContext } from "./context.ts";
import { evictPod } from "./evict.ts";

const log = getLogger(["krustlet", "pod"]);

/** How often volumes are measured: as often as a kubelet looks for pods to evict. */
const MEASURE_MS = 10_000;

/**
 * Evicts a pod that fills an emptyDir beyond its limit, as a kubelet does: it fails with reason
 * `Evicted`. Settles when the pod ends. Never rejects.
 */
export async function watchSizes(context: PodContext): Promise<void> {
  const { services, ending, mounted, key } = context;
  const { stop: signal } = ending;
  // As those of a kubelet, they are never evicted.
  if (context.own || isCritical(context.pod)) return;
  if (!context.pod.spec?.volumes?.some(({ emptyDir }) => emptyDir !== undefined)) return;
  while (await sleep(services.measureMs ?? MEASURE_MS, signal)) {
    try {
      const message = await services.volumes.excess(context.pod, { mounted, signal });
      if (message === undefined || ending.cause !== undefined) continue;
      await evictPod(context, { message, low: false });
    } catch (error) {
      if (signal.aborted) return;
      log.warn("Cannot measure the volumes of pod {namespace}/{name}: {error}", {
        ...key,
        error: messageOf(error),
      });
    }
  }
}
