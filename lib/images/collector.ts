/**
 * Keeps the image store within its bounds, from time to time.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { statfs } from "node:fs/promises";
import { messageOf } from "../errors.ts";
import { sleep } from "../time.ts";
import { type CollectionPolicy, type DiskSpace, planCollection } from "./collect_plan.ts";
import type { Inventory, StoredImage } from "./store/inventory.ts";

const log = getLogger(["krustlet", "images"]);

/** Milliseconds between two rounds: a kubelet's own. */
export const COLLECTION_MS = 300_000;

/** What is worth an Event of the node. */
export interface CollectorTrouble {
  /** A kubelet's words: the disk has no size; unused images are not enough; nothing works. */
  readonly reason: "InvalidDiskCapacity" | "FreeDiskSpaceFailed" | "ImageGCFailed";
  readonly message: string;
}

/** Options of a {@linkcode Collector}. */
export interface CollectorOptions {
  readonly inventory: Inventory;
  readonly policy: CollectionPolicy;
  /** The store's folder: its filesystem is what must not be full. */
  readonly dir: string;
  /**
   * Ids and references of all images that containers have or are about to have; undefined while that
   * is not known: then nothing is removed.
   */
  readonly inUse: () => Iterable<string> | undefined;
  readonly onTrouble: (trouble: CollectorTrouble) => void;
  /** @default {asks the system} */
  readonly disk?: (dir: string) => Promise<DiskSpace>;
  /** @default {Date.now} */
  nowMs?(): number;
}

/** What a round has done. */
export interface Collected {
  /** Ids of images. */
  readonly removed: string[];
  freedBytes: number;
}

/** Removes images that nobody needs. */
export class Collector {
  readonly #options: CollectorOptions;
  #failedBefore = false;

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  /** Does a round every `COLLECTION_MS`, until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (await sleep(COLLECTION_MS, signal)) await this.round(signal);
  }

  /** One round. What goes wrong is told as trouble, the second time in a row. */
  async round(signal: AbortSignal): Promise<Collected> {
    const done: Collected = { removed: [], freedBytes: 0 };
    try {
      await this.#collect(done, signal);
      this.#failedBefore = false;
    } catch (error) {
      const message = messageOf(error);
      log.warn("Cannot clear the image store: {message}", { message });
      // The first failure is often a disk that is about to be there.
      if (this.#failedBefore) this.#options.onTrouble({ reason: "ImageGCFailed", message });
      this.#failedBefore = true;
    }
    if (done.removed.length > 0) {
      log.info("Removed {count} images and freed {freedBytes} bytes: {removed}", {
        count: done.removed.length,
        ...done,
      });
    }
    return done;
  }

  async #collect(done: Collected, signal: AbortSignal): Promise<void> {
    const { inventory } = this.#options;
    const used = this.#options.inUse();
    if (used === undefined) return;
    const named = new Set(used);
    const ids = idsOf(await inventory.list(), named);
    const images = await inventory.list(ids);
    const found = await inventory.alone(() => this.#clear(images, { inUse: ids, done, signal }));
    if (found === "shared") log.info("Images are not cleared now: another process uses the store");
  }

  async #clear(
    images: readonly StoredImage[],
    { inUse, done, signal }: {
      readonly inUse: ReadonlySet<string>;
      readonly done: Collected;
      readonly signal: AbortSignal;
    },
  ): Promise<void> {
    const { inventory, policy, dir, onTrouble, disk = readDisk } = this.#options;
    const nowMs = (this.#options.nowMs ?? Date.now)();
    const swept = await inventory.sweep(nowMs);
    const space = await disk(dir);
    if (space.bytes === 0) {
      const message = "invalid capacity 0 on image filesystem";
      onTrouble({ reason: "InvalidDiskCapacity", message });
      throw new Error(message);
    }
    const plan = planCollection(images, { policy, disk: space, inUse, nowMs });
    done.freedBytes += swept;
    const remove = async ({ imageId }: StoredImage): Promise<number> => {
      const bytes = await inventory.remove(imageId, nowMs);
      if (bytes !== undefined) done.removed.push(imageId);
      done.freedBytes += bytes ?? 0;
      return bytes ?? 0;
    };
    for (const image of plan.expired) if (!signal.aborted) await remove(image);
    let spared = swept;
    for (const image of plan.spare) {
      if (spared >= plan.bytesToFree || signal.aborted) break;
      spared += await remove(image);
    }
    if (spared < plan.bytesToFree && !signal.aborted) {
      const message = shortOfSpace(plan.usedPercent, space, done.freedBytes);
      onTrouble({ reason: "FreeDiskSpaceFailed", message });
      throw new Error(message);
    }
  }
}

/** Ids of the images that are meant: pods name some by their ids, and some by a reference. */
function idsOf(images: readonly StoredImage[], used: ReadonlySet<string>): ReadonlySet<string> {
  return new Set(
    images
      .filter(({ imageId, tags }) => used.has(imageId) || tags.some((tag) => used.has(tag)))
      .map(({ imageId }) => imageId),
  );
}

async function readDisk(dir: string): Promise<DiskSpace> {
  const { blocks, bavail, bsize } = await statfs(dir);
  return { bytes: blocks * bsize, availableBytes: bavail * bsize };
}

function shortOfSpace(usedPercent: number, { bytes }: DiskSpace, freedBytes: number): string {
  return `Insufficient free disk space on the node's image filesystem (${usedPercent}% of ${
    sizeText(bytes)
  } used). Failed to free sufficient space by deleting unused images (freed ${freedBytes} bytes). \
Investigate disk usage, as it could be used by active images, logs, volumes, or other data.`;
}

function sizeText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let [size, unit] = [bytes, 0];
  for (; size >= 1024 && unit < units.length - 1; unit++) size /= 1024;
  return unit === 0 ? `${size} B` : `${size.toFixed(1)} ${units[unit]}`;
}
