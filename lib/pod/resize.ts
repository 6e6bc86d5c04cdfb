/**
 * Follows changes of a pod's resources, as far as this node can.
 *
 * @module
 */
import { allocate, infeasible, type PendingResize, wantsResize } from "../resources/resize.ts";
import { sleep } from "../time.ts";
import type { PodContext } from "./context.ts";

/** A resize for which there was no room is tried again after this, if nothing else happens to the pod. */
const RETRY_MS = 10_000;

/** Agrees to what the pod asks for, or says why not, until the signal aborts. */
export async function watchResize(context: PodContext, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    const pending = resize(context);
    const news = new AbortController();
    const either = AbortSignal.any([over, news.signal]);
    const waits: Promise<unknown>[] = [context.latest.changed(either)];
    if (pending?.reason === "Deferred") waits.push(sleep(RETRY_MS, either));
    await Promise.race(waits);
    news.abort();
  }
}

/** Decides once; what is still pending is told in the pod's status. */
function resize(context: PodContext): PendingResize | undefined {
  const { record, pod } = context;
  if (record.allocated === undefined || record.finalPhase !== undefined) return undefined;
  const before = record.pendingResize;
  const pending = wantsResize(pod, record.allocated) ? agree(context) : undefined;
  if (pending?.reason === before?.reason && pending?.message === before?.message) return pending;
  if (pending === undefined) delete record.pendingResize;
  else record.pendingResize = pending;
  void context.changed();
  return pending;
}

function agree(context: PodContext): PendingResize | undefined {
  const { record, pod, services, key } = context;
  const running = new Set(
    Object.entries(record.containers)
      .filter(([, { state }]) => state.running !== undefined)
      .map(([name]) => name),
  );
  const never = infeasible(pod, { allocated: record.allocated ?? {}, running });
  if (never !== undefined) return never;
  const found = services.ledger?.admit(key.uid, pod);
  if (found !== undefined) {
    return { reason: found.never ? "Infeasible" : "Deferred", message: found.message };
  }
  record.allocated = allocate(pod);
  // Wakes whoever watches its container's resources.
  context.latest.set(pod);
  void context.changed();
  return undefined;
}
