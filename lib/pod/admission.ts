/**
 * Whether a pod can ever run on this node.
 *
 * @module
 */
import type { Pod } from "../api/types.ts";
import { KubeletError } from "../errors.ts";
import type { Provider } from "../provider.ts";
import { checkVolumes } from "../volumes/check.ts";
import type { PodFailure } from "./record.ts";

/** Says why a pod can never run here, or `undefined` if it may. */
export function refusal(pod: Pod, provider: Provider): PodFailure | undefined {
  try {
    checkVolumes(pod);
    provider.validate(pod);
    return undefined;
  } catch (error) {
    if (!(error instanceof KubeletError) || error.code !== "rejected") throw error;
    return { reason: error.reason ?? "UnsupportedPod", message: error.message };
  }
}
