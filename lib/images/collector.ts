/**
 * Keeps the image store within its bounds: from time to time, and when the disk is short of space.
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

/** Milliseconds between two rounds that nobody asked for: a kubelet's own. */
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
  /** Ids and references of all images that containers have or are about to have. */
  readonly inUse: () => Iterable<string>;
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
  #urgent = false;
  #wake = new AbortController();

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  /**
   * Does a round now, one every `COLLECTION_MS`, and one for each {@linkcode hurry}, until the signal
   * aborts. Never rejects. All pods of the node must be known before.
   */
  async run(signal: AbortSignal): Promise<void> {
    const wakeUp = (): void => this.#wake.abort();
    signal.addEventListener("abort", wakeUp, { once: true });
    let dueMs = performance.now();
    while (!signal.aborted) {
      this.#wake = new AbortController();
      if (this.#urgent) {
        this.#urgent = false;
        await this.round(signal, { urgent: true });
      } else if (performance.now() >= dueMs) {
        dueMs = performance.now() + COLLECTION_MS;
        await this.round(signal);
      } else await sleep(dueMs - performance.now(), this.#wake.signal);
    }
    signal.removeEventListener("abort", wakeUp);
  }

  /** Space is short: all images that nobody uses go, as a kubelet's eviction manager has it. */
  hurry(): void {
    this.#urgent = true;
    this.#wake.abort();
  }

  /**
   * One round; an urgent one removes whatever may be removed. What goes wrong is told as trouble, the
   * second time in a row.
   */
  async round(signal: AbortSignal, { urgent = false } = {}): Promise<Collected> {
    const done: Collected = { removed: [], freedBytes: 0 };
    try {
      await this.#collect({ done, urgent, signal });
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

  async #collect(round: Round): Promise<void> {
    const { inventory } = this.#options;
    const named = new Set(this.#options.inUse());
    inventory.protect(named);
    const inUse = idsOf(await inventory.list(), named);
    const images = await inventory.list(inUse);
    const found = await inventory.alone(() => this.#clear(images, { ...round, inUse }));
    if (found === "shared") log.info("Images are not cleared now: another process uses the store");
  }

  async #clear(
    images: readonly StoredImage[],
    { inUse, done, urgent, signal }: Round & { readonly inUse: ReadonlySet<string> },
  ): Promise<void> {
    const { inventory, policy, dir, onTrouble, disk = readDisk } = this.#options;
    const nowMs = (this.#options.nowMs ?? Date.now)();
    const swept = await inventory.sweep(nowMs, { urgent });
    const space = await disk(dir);
    if (space.bytes === 0) {
      const message = "invalid capacity 0 on image filesystem";
      onTrouble({ reason: "InvalidDiskCapacity", message });
      throw new Error(message);
    }
    const plan = planCollection(images, { policy, disk: space, inUse, nowMs, urgent });
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
      if ((spared >= plan.bytesToFree && !plan.all) || signal.aborted) break;
      spared += await remove(image);
    }
    // Whoever is in a hurry has his own words for a disk that stays full.
    if (spared < plan.bytesToFree && !urgent && !signal.aborted) {
      const message = shortOfSpace(plan.usedPercent, space, done.freedBytes);
      onTrouble({ reason: "FreeDiskSpaceFailed", message });
      throw new Error(message);
    }
  }
}

interface Round {
  readonly done: Collected;
  readonly urgent: boolean;
  readonly signal: AbortSignal;
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
