import { createHash } from "node:crypto";
import { statfs } from "node:fs/promises";
import { join, resolve } from "node:path";
import { getLogger } from "@logtape/logtape";
import { messageOf } from "../errors.ts";
import { removeTree } from "../files.ts";

const log = getLogger(["krustlet", "volumes"]);

/** A file system in memory that every user of a Linux machine may use (FHS, and each distribution). */
const SHARED_MEMORY = "/dev/shm";
/** `statfs` type of a tmpfs, as linux/magic.h has it. */
const TMPFS = 0x01021994;

/**
 * Folders in the machine's memory, which need no right to mount anything:
 * `/dev/shm/krustlet-<who>/<pod>/<volume>`. Nobody but this user may enter.
 */
export class MemoryFolders {
  readonly #base: string;
  /** Of one data folder: two agents of a machine do not meet. */
  readonly #name: string;

  /** `podsDir` tells agents apart. Nothing happens on disk yet. */
  constructor(podsDir: string, base = SHARED_MEMORY) {
    this.#base = base;
    this.#name = nameOf(podsDir);
  }

  /** The folder for a volume of a pod, made if it is missing; `undefined` if there is no such memory. */
  async make(podUid: string, volume: string): Promise<string | undefined> {
    try {
      const own = await this.#own();
      if (own === undefined) return undefined;
      const folder = join(own, podUid, volume);
      await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
      return folder;
    } catch (error) {
      log.warn("Cannot keep volume {volume} in memory, it goes to disk: {error}", {
        volume,
        error: messageOf(error),
      });
      return undefined;
    }
  }

  /** What holds the folders of a pod, if it has any. */
  of(podUid: string): string {
    return join(this.#base, this.#name, podUid);
  }

  /** Removes the folders of a pod, and the agent's own when it was the last. */
  async remove(podUid: string): Promise<void> {
    const own = join(this.#base, this.#name);
    await removeTree(this.of(podUid));
    // Refused while other pods have something in it.
    await Deno.remove(own).catch(() => {});
  }

  async #own(): Promise<string | undefined> {
    if (Deno.build.os !== "linux") return undefined;
    const { type } = await statfs(this.#base).catch(() => ({ type: 0 }));
    if (type !== TMPFS) return undefined;
    const own = join(await Deno.realPath(this.#base), this.#name);
    await Deno.mkdir(own, { mode: 0o700 }).catch((error) => {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    });
    await demandOwn(own);
    return own;
  }
}

/**
 * Removes at once all that the agent with this folder of pods keeps in memory: the last deed of a
 * process that cannot wait. Nothing there is fine.
 *
 * @throws What the system says, if it refuses.
 */
export function removeMemoryFolders(podsDir: string, base = SHARED_MEMORY): void {
  try {
    Deno.removeSync(join(base, nameOf(podsDir)), { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function nameOf(podsDir: string): string {
  const digest = createHash("sha256").update(resolve(podsDir)).digest("hex");
  return `krustlet-${digest.slice(0, 16)}`;
}

/** Everybody may make names in this place: what is there must be ours, and shut. */
async function demandOwn(path: string): Promise<void> {
  const { isDirectory, uid, mode } = await Deno.lstat(path);
  if (isDirectory && uid === Deno.uid() && ((mode ?? 0) & 0o077) === 0) return;
  throw new Error(`Cannot use "${path}": it belongs to somebody else; remove it`);
}
