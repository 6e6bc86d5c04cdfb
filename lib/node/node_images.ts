/**
 * Which images the node's status names.
 *
 * @module
 */
import type { NodeStatus } from "../api/types.ts";

/** An image that is on the node. */
export interface ImageOnNode {
  /** `registry/repository@digest`. */
  readonly imageId: string;
  /** Its names with tags. */
  readonly tags: readonly string[];
  readonly sizeBytes: number;
}

/** Names that are told of one image: a kubelet's own limit. */
const NAMES_MAX = 5;

/** The largest images first, at most `max` of them; -1 is all (a kubelet's `nodeStatusMaxImages`). */
export function describeImages(
  images: readonly ImageOnNode[],
  max: number,
): NonNullable<NodeStatus["images"]> {
  const largest = images.toSorted((a, b) =>
    b.sizeBytes - a.sizeBytes || (a.imageId < b.imageId ? -1 : 1)
  );
  return (max < 0 ? largest : largest.slice(0, max)).map(({ imageId, tags, sizeBytes }) => ({
    names: [imageId, ...tags].slice(0, NAMES_MAX),
    sizeBytes,
  }));
}
