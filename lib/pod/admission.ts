/**
 * Whether a pod can run on this node, ever and now, and what it will not get.
 *
 * @module
 */
import type { Pod } from "../api/types.ts";
import { KubeletError } from "../errors.ts";
import { hostEntries } from "../network/policy/host_entries.ts";
import type { Provider } from "../provider.ts";
import { allocate, allocatedPod } from "../resources/resize.ts";
import { checkVolumes } from "../volumes/check.ts";
import { examineFields } from "./fields/examine.ts";
import { hasBegun, type PodFailure, type PodRecord } from "./record.ts";
import type { PodServices } from "./services.ts";

/** Fields that one event names. */
const FIELDS_TOLD_MAX = 10;

/** Says why a pod can never run here, or `undefined` if it may. */
export function refusal(pod: Pod, provider: Provider): PodFailure | undefined {
  const { refusal } = examineFields(pod);
  if (refusal !== undefined) {
    const { reason, who, why } = refusal;
    const message =
      `Cannot run the pod as WebAssembly: ${who} ${why}; schedule it on a node with a container runtime`;
    return { reason, message };
  }
  try {
    checkVolumes(pod);
    hostEntries(pod);
    provider.validate?.(pod);
    return undefined;
  } catch (error) {
    if (!(error instanceof KubeletError) || error.code !== "rejected") throw error;
    return { reason: error.reason ?? "UnsupportedPod", message: error.message };
  }
}

/** The words of an event about fields without effect that whoever set them would miss; none if there are none. */
export function ignoredFields(pod: Pod): string | undefined {
  const { missed } = examineFields(pod);
  if (missed.length === 0) return undefined;
  const more = missed.length - FIELDS_TOLD_MAX;
  const names = missed.slice(0, FIELDS_TOLD_MAX).join(", ");
  return `No effect on this node: ${names}${
    more > 0 ? ` and ${more} more` : ""
  } (docs/pod-fields.md says why)`;
}

/**
 * Sets aside what a pod asks for, or says why the node has no room for it, in a kubelet's words. A pod of
 * which something has run is let in again, whatever the node is like by now.
 */
export function lackOfRoom(
  pod: Pod,
  { record, own, services }: {
    readonly record: PodRecord;
    /** A pod of this machine's own, which nothing drives away. */
    readonly own: boolean;
    readonly services: Pick<PodServices, "ledger" | "turnedAway">;
  },
): PodFailure | undefined {
  const { ledger, turnedAway } = services;
  if (own || hasBegun(record)) {
    record.allocated ??= allocate(pod);
    ledger?.keep(record.uid, allocatedPod(pod, record.allocated));
    return undefined;
  }
  record.allocated = allocate(pod);
  const found = turnedAway?.(pod) ?? ledger?.admit(record.uid, pod);
  if (found === undefined) return undefined;
  // It may have had a place set aside, and waits perhaps before it says that it has failed.
  ledger?.release(record.uid);
  return { reason: found.reason, message: `Pod was rejected: ${found.message}` };
}
