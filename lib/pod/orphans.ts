/**
 * What pods that no longer exist have left on this machine.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { messageOf } from "../errors.ts";
import { namesIn, removeTree } from "../files.ts";
import { sleep } from "../time.ts";
import { isPodUid } from "../volumes/volumes.ts";
import type { PodServices } from "./services.ts";

const log = getLogger(["krustlet", "pod"]);

/** Between two looks: a kubelet's own period for the garbage of containers. */
const PERIOD_MS = 60_000;

/** Where pods leave things. */
export type OrphanServices = Pick<
  PodServices,
  "podsDir" | "logsDir" | "volumes" | "records" | "networks"
>;

/**
 * Removes what is left on disk of pods that no longer exist, and releases their addresses. What cannot be a pod's is left alone;
 * what cannot be removed is warned of, and keeps nothing else from being removed.
 *
 * @param isKnown asked right before a removal, so that a pod that has come meanwhile keeps its files.
 */
export async function removeOrphans(
  { podsDir, logsDir, volumes, records, networks }: OrphanServices,
  isKnown: (uid: string) => boolean,
): Promise<void> {
  const isOrphan = (uid: string): boolean => isPodUid(uid) && !isKnown(uid);
  for (const uid of await records.uids()) {
    if (!isOrphan(uid)) continue;
    const path = `${podsDir}/${uid}`;
    log.info("Removing what is left of pod {uid}, which no longer exists", { uid });
    await attempt(path, async () => {
      await volumes.unmountAll(uid);
      await removeTree(path);
    });
  }
  await networks?.releaseOthers(isKnown);
  for (const name of await namesIn(logsDir)) {
    const [, uid = ""] = LOG_FOLDER.exec(name) ?? [];
    const path = `${logsDir}/${name}`;
    if (isOrphan(uid)) await attempt(path, () => removeTree(path));
  }
}

/**
 * Looks for orphans now and then, until the signal aborts: what a pod left because the disk refused its
 * removal does not wait for the next agent. Never rejects.
 */
export async function watchOrphans(
  services: OrphanServices,
  { isKnown, signal, periodMs = PERIOD_MS }: {
    readonly isKnown: (uid: string) => boolean;
    readonly signal: AbortSignal;
    /** @default {a minute} */
    readonly periodMs?: number;
  },
): Promise<void> {
  while (await sleep(periodMs, signal)) {
    try {
      await removeOrphans(services, isKnown);
    } catch (error) {
      log.warn("Cannot look for what is left of old pods: {error}", { error: messageOf(error) });
    }
  }
}

async function attempt(path: string, removal: () => Promise<void>): Promise<void> {
  try {
    await removal();
  } catch (error) {
    log.warn("Cannot remove {path}, which is of a pod that no longer exists: {error}", {
      path,
      error: messageOf(error),
    });
  }
}

/** A pod's log folder, `<namespace>_<name>_<uid>`; neither name may hold an underscore. */
const LOG_FOLDER = /^[^_]+_[^_]+_(.+)$/;
