/**
 * Follows changes of a pod's resources, as far as this node can.
 *
 * @module
 */
import type { Pod } from "../api/types.ts";
import {
  allocate,
  hasOtherMemoryLimit,
  infeasible,
  type PendingResize,
  wantsResize,
} from "../resources/resize.ts";
import { sleep } from "../time.ts";
import type { PodContext } from "./context.ts";
import type { PodRecord } from "./record.ts";
import { resizeMessage } from "./resize_events.ts";

/** A resize for which there was no room is tried again after this, if nothing else happens to the pod. */
const RETRY_MS = 10_000;

/** Agrees to what the pod asks for, or says why not, until the signal aborts. Events tell of both. */
export async function watchResize(context: PodContext, over: AbortSignal): Promise<void> {
  let begun: Pod | undefined;
  while (!over.aborted) {
    const { allocated } = context.record;
    const pending = resize(context);
    if (allocated !== undefined && context.record.allocated !== allocated) begun = context.pod;
    if (begun !== undefined && !isUnderWay(context.record)) {
      context.tell("Normal", "ResizeCompleted", resizeMessage("completed", begun));
      begun = undefined;
    }
    const news = new AbortController();
    const either = AbortSignal.any([over, news.signal]);
    const waits: Promise<unknown>[] = [context.latest.changed(either)];
    if (pending?.reason === "Deferred") waits.push(sleep(RETRY_MS, either));
    if (begun !== undefined) waits.push(context.changes.changed(either));
    await Promise.race(waits);
    news.abort();
  }
}

/** True while a container that runs, or is about to again, was begun with another memory limit. */
function isUnderWay({ allocated, containers }: PodRecord): boolean {
  return Object.entries(allocated ?? {}).some(([name, resources]) => {
    const container = containers[name];
    if (container?.containerId === undefined || container.state.terminated) return false;
    return hasOtherMemoryLimit(container.resources, resources);
  });
}

/** Decides once; what is still pending is told in the pod's status. */
function resize(context: PodContext): PendingResize | undefined {
  const { record, pod } = context;
  if (record.allocated === undefined || record.finalPhase !== undefined) return undefined;
  const before = record.pendingResize;
  const pending = wantsResize(pod, record.allocated) ? agree(context) : undefined;
  if (pending?.reason === before?.reason && pending?.message === before?.message) return pending;
  if (pending === undefined) delete record.pendingResize;
  else {
    record.pendingResize = pending;
    const { reason, message: error } = pending;
    context.tell("Warning", `Resize${reason}`, resizeMessage(reason, pod, { error }));
  }
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
  context.tell("Normal", "ResizeStarted", resizeMessage("started", pod));
  // Wakes whoever watches its container's resources.
  context.latest.set(pod);
  void context.changed();
  return undefined;
}
