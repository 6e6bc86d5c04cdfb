/**
 * Ends pods that have to go, as they use too much or as others need the room.
 *
 * @module
 */
import { sleep } from "../time.ts";
import type { PodContext } from "./context.ts";
import { EVICTION_GRACE_MS } from "./ending.ts";
import type { PodFailure } from "./record.ts";

/** Beyond its grace period, how long the end of such a pod is waited for: a kubelet's own. */
const ENDING_MS_MAX = 30_000;

/** Why a pod is evicted, and how. */
export interface EvictionCause {
  readonly message: string;
  /** True if the node was short of something; else the pod uses more than it may. */
  readonly low: boolean;
  /** Its own grace period, but so much at most, in ms. @default {a moment} */
  readonly graceMsMax?: number;
}

/**
 * Fails a pod as evicted. One that is ending already has less time for it, and keeps the reason that it ends for. Settles
 * when nothing of it runs any more, or after its grace period and {@linkcode ENDING_MS_MAX}; with false, at once, if there
 * is nothing to end or to shorten.
 */
export async function evictPod(
  context: PodContext,
  { message, low, graceMsMax = 0 }: EvictionCause,
): Promise<boolean> {
  // This machine's own pods come back with it: nothing drives them away.
  if (context.own || context.record.finalPhase !== undefined) return false;
  const graceMs = Math.max(EVICTION_GRACE_MS, Math.min(graceMsMax, context.graceMs));
  if (context.ending.cause !== undefined) return await hurry(context, { message, graceMs });
  if (context.rejection !== undefined) return false;
  context.tell("Warning", "Evicted", message);
  const failure: PodFailure = low
    ? { reason: "Evicted", message, disruption: "TerminationByKubelet" }
    : { reason: "Evicted", message };
  await endPod(context, { failure, graceMs });
  return true;
}

/**
 * Fails a pod, and waits until it has ended or {@linkcode ENDING_MS_MAX} beyond its grace period have passed. One that is
 * deleted meanwhile, or outlives the agent's own end, still runs until it has ended.
 */
export async function endPod(
  context: PodContext,
  { failure, graceMs }: { readonly failure: PodFailure; readonly graceMs: number },
): Promise<void> {
  context.fail(failure, graceMs);
  const over = new AbortController();
  void sleep(graceMs + ENDING_MS_MAX, over.signal).then(() => over.abort());
  while (context.record.finalPhase === undefined && !over.signal.aborted) {
    await context.changes.changed(over.signal);
  }
  over.abort();
}

/** Its own grace period may be long enough to keep a node short of memory. */
async function hurry(
  context: PodContext,
  { message, graceMs }: { readonly message: string; readonly graceMs: number },
): Promise<boolean> {
  if (!context.ending.shorten(graceMs)) return false;
  context.tell("Warning", "Evicted", message);
  const settled = new AbortController();
  const late = sleep(graceMs + ENDING_MS_MAX, settled.signal);
  await Promise.race([Promise.all(context.runners), late]);
  settled.abort();
  return true;
}
