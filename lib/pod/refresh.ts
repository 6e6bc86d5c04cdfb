/**
 * Keeps the volumes of a running pod as new as what they are made of.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import type { Pod } from "../api/types.ts";
import { messageOf } from "../errors.ts";
import { Latest } from "../krator/mod.ts";
import { sleep } from "../time.ts";
import type { PodContext } from "./context.ts";

const log = getLogger(["krustlet", "pod"]);

/** How often, on the average: a kubelet's own period. Pods are spread over a third of it. */
const REFRESH_MS = 60_000;
/** Who changes an object all the time has it written this often. */
const PAUSE_MS = 1_000;

/**
 * Refreshes the pod's volumes until `stop` aborts: at once when an object that it names, its labels or its
 * annotations are another, and now and then for what nobody tells of, as a token that grows old. What
 * cannot be had stays as it was, with the Event `FailedMount`.
 */
export async function refreshVolumes(context: PodContext, stop: AbortSignal): Promise<void> {
  const { services } = context;
  if (context.mounted.size === 0) return;
  const news = new Latest(0);
  const told = (): void => news.set(news.value + 1);
  using _listening = services.onChange?.(context.pod, told);
  const following = followPod(context, { told, stop });
  const periodMs = services.refreshMs ?? REFRESH_MS;
  let seen = 0;
  while (!stop.aborted) {
    if (news.value === seen) {
      await newsOrTime(news, { ms: periodMs * (5 / 6 + Math.random() / 3), stop });
    }
    if (stop.aborted) break;
    seen = news.value;
    await refreshOnce(context, stop);
    await sleep(services.refreshPauseMs ?? PAUSE_MS, stop);
  }
  await following;
}

async function refreshOnce(context: PodContext, stop: AbortSignal): Promise<void> {
  try {
    await context.services.volumes.refresh(context.pod, stop);
  } catch (error) {
    if (stop.aborted) return;
    const message = messageOf(error);
    log.warn("Cannot refresh the volumes of pod {namespace}/{name}: {error}", {
      ...context.key,
      error: message,
    });
    context.tell("Warning", "FailedMount", message);
  }
}

/** Tells of each version of the pod that its downward API volumes may show differently. */
async function followPod(
  context: PodContext,
  { told, stop }: { readonly told: () => void; readonly stop: AbortSignal },
): Promise<void> {
  let before = shown(context.pod);
  while (!stop.aborted) {
    await context.latest.changed(stop);
    const now = shown(context.pod);
    if (now !== before) told();
    before = now;
  }
}

/** What of a pod can change and be shown: resources too, as they can be resized in place. */
function shown({ metadata, spec }: Pod): string {
  const resources = spec?.containers.map(({ name, resources }) => [name, resources]);
  return JSON.stringify([metadata?.labels, metadata?.annotations, resources]);
}

async function newsOrTime(
  news: Latest<number>,
  { ms, stop }: { readonly ms: number; readonly stop: AbortSignal },
): Promise<void> {
  const over = new AbortController();
  const signal = AbortSignal.any([stop, over.signal]);
  await Promise.race([news.changed(signal), sleep(ms, signal)]);
  over.abort();
}
