/**
 * What pods that no longer exist have left on this machine.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { messageOf } from "../errors.ts";
import { namesIn, removeTree } from "../files.ts";
import { isPodUid } from "../volumes/volumes.ts";
import type { PodServices } from "./services.ts";

const log = getLogger(["krustlet", "pod"]);

/** A pod's log folder, `<namespace>_<name>_<uid>`; neither name may hold an underscore. */
const LOG_FOLDER = /^[^_]+_[^_]+_(.+)$/;

/**
 * Removes what is left on disk of pods that no longer exist. What cannot be a pod's is left alone;
 * what cannot be removed is warned of, and keeps nothing else from being removed.
 */
export async function removeOrphans(
  { podsDir, logsDir, volumes, records }: Pick<
    PodServices,
    "podsDir" | "logsDir" | "volumes" | "records"
  >,
  known: ReadonlySet<string>,
): Promise<void> {
  const isOrphan = (uid: string): boolean => isPodUid(uid) && !known.has(uid);
  const attempt = async (path: string, removal: () => Promise<void>): Promise<void> => {
    try {
      await removal();
    } catch (error) {
      log.warn("Cannot remove {path}, which is of a pod that no longer exists: {error}", {
        path,
        error: messageOf(error),
      });
    }
  };
  for (const uid of (await records.uids()).filter(isOrphan)) {
    const path = `${podsDir}/${uid}`;
    log.info("Removing what is left of pod {uid}, which no longer exists", { uid });
    await attempt(path, async () => {
      await volumes.unmountAll(uid);
      await removeTree(path);
    });
  }
  for (const name of await namesIn(logsDir)) {
    const [, uid = ""] = LOG_FOLDER.exec(name) ?? [];
    const path = `${logsDir}/${name}`;
    if (isOrphan(uid)) await attempt(path, () => removeTree(path));
  }
}
