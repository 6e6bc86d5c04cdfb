/**
 * Decides which images to remove, as a kubelet does: those that are old; when the disk is full the ones
 * that were not used for longest; and when space is wanted at once, all that nobody uses.
 *
 * @module
 */
import type { StoredImage } from "./store/inventory.ts";

/** A kubelet's `imageGCHighThresholdPercent` and its kin. */
export interface CollectionPolicy {
  /** Use of the disk, in percent, from which on images are removed. 100 never removes for space. */
  readonly highPercent: number;
  /** Use of the disk, in percent, that is aimed at then. */
  readonly lowPercent: number;
  /** Age below which an image is left alone when space is needed. */
  readonly minAgeMs: number;
  /** Time without use after which an image is removed anyway. 0 is no limit. */
  readonly maxAgeMs: number;
}

/** A kubelet's own defaults. */
export const COLLECTION_DEFAULTS: CollectionPolicy = {
  highPercent: 85,
  lowPercent: 80,
  minAgeMs: 120_000,
  maxAgeMs: 0,
};

/** The disk that the store is on. */
export interface DiskSpace {
  readonly bytes: number;
  readonly availableBytes: number;
}

/** What is to be done. */
export interface CollectionPlan {
  /** To be removed whatever the disk has. */
  readonly expired: readonly StoredImage[];
  /** To be removed in this order until {@linkcode bytesToFree} are free, or all of them. */
  readonly spare: readonly StoredImage[];
  /** All of {@linkcode spare} are to be removed. */
  readonly all: boolean;
  /** 0 if the disk has enough. */
  readonly bytesToFree: number;
  /** Use of the disk, in whole percent. */
  readonly usedPercent: number;
}

/** Decides; touches nothing. `inUse` are ids of images that containers have or are about to have. */
export function planCollection(
  images: readonly StoredImage[],
  { policy, disk, inUse, nowMs, urgent = false }: {
    readonly policy: CollectionPolicy;
    readonly disk: DiskSpace;
    readonly inUse: ReadonlySet<string>;
    readonly nowMs: number;
    /** Space is wanted now, as by a kubelet's eviction manager: the marks do not matter. */
    readonly urgent?: boolean;
  },
): CollectionPlan {
  const unused = images
    .filter(({ imageId }) => !inUse.has(imageId))
    .toSorted((a, b) => a.lastMs - b.lastMs || a.firstMs - b.firstMs);
  const isExpired = ({ lastMs }: StoredImage): boolean =>
    policy.maxAgeMs > 0 && nowMs - lastMs > policy.maxAgeMs;
  const expired = unused.filter(isExpired);
  const spare = unused.filter((image) =>
    !isExpired(image) && nowMs - image.firstMs >= policy.minAgeMs
  );
  const available = Math.min(disk.availableBytes, disk.bytes);
  const usedPercent = disk.bytes === 0 ? 0 : 100 - Math.floor(available * 100 / disk.bytes);
  // A disk that nobody may fill up is never full enough.
  const isFull = disk.bytes > 0 && policy.highPercent < 100 && usedPercent >= policy.highPercent;
  const aim = Math.floor(disk.bytes * (100 - policy.lowPercent) / 100);
  const freed = expired.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return {
    expired,
    spare,
    all: urgent,
    usedPercent,
    bytesToFree: isFull ? Math.max(0, aim - available - freed) : 0,
  };
}
