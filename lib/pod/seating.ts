/**
 * Who of many pods that are learnt of at once has a place on the node.
 *
 * @module
 */
import type { Pod } from "../api/types.ts";
import { allocate, allocatedPod } from "../resources/resize.ts";
import { refusal } from "./admission.ts";
import { hasBegun, identity, newRecord, type PodRecord } from "./record.ts";
import type { PodServices } from "./services.ts";

/**
 * Sets places aside before any of the pods starts, whatever their order: first for those that an earlier
 * agent let in, whether they fit or not, then for the others from the oldest on, as long as there are some.
 * Who finds no place here is told so when its life begins.
 */
export async function seatPods(
  pods: readonly Pod[],
  services: Pick<PodServices, "ledger" | "records" | "provider" | "turnedAway">,
): Promise<void> {
  const { ledger, provider, turnedAway } = services;
  if (ledger === undefined || pods.length === 0) return;
  const guests = await Promise.all(
    pods.filter(isWanted).map(async (pod) => ({ pod, record: await recordOf(pod, services) })),
  );
  const open = guests.filter(({ record }) => !hasEnded(record));
  for (const { pod, record } of open.filter(({ record }) => hasBegun(record))) {
    ledger.keep(record.uid, allocatedPod(pod, record.allocated ?? allocate(pod)));
  }
  for (const { pod, record } of open.filter(({ record }) => !hasBegun(record)).toSorted(byAge)) {
    if (refusal(pod, provider) !== undefined || turnedAway?.(pod) !== undefined) continue;
    ledger.admit(record.uid, pod);
  }
}

async function recordOf(pod: Pod, { records }: Pick<PodServices, "records">): Promise<PodRecord> {
  return await records.load(identity(pod).uid) ?? newRecord(pod, "");
}

/** A pod that is to go starts nothing any more; what ran of it ended with the agent before. */
function isWanted({ metadata, status }: Pod): boolean {
  const ended = status?.phase === "Succeeded" || status?.phase === "Failed";
  return metadata?.deletionTimestamp === undefined && !ended;
}

function hasEnded({ finalPhase, failure }: PodRecord): boolean {
  return finalPhase !== undefined || failure !== undefined;
}

/** RFC 3339 in UTC sorts as text. */
function byAge({ pod: a }: { readonly pod: Pod }, { pod: b }: { readonly pod: Pod }): number {
  const [one, other] = [a, b].map(({ metadata }) => metadata?.creationTimestamp ?? "");
  return one! < other! ? -1 : one! > other! ? 1 : 0;
}
