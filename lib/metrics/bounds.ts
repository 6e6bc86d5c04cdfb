/**
 * Bounds of a kubelet's histograms, so that its dashboards fit, in seconds.
 *
 * @module
 */

/** How long pods take to begin. */
export const POD_START_BOUNDS: readonly number[] = [
  ...[0.5, 1, 2, 3, 4, 5, 6, 8, 10, 20, 30, 45, 60, 120, 180, 240, 300, 360],
  ...[480, 600, 900, 1200, 1800, 2700, 3600],
];
/** How long downloads take. */
export const PULL_BOUNDS: readonly number[] = [
  ...[1, 5, 10, 20, 30, 60, 120, 180, 240, 300, 360],
  ...[480, 600, 900, 1200, 1800, 2700, 3600],
];
/** Until a status is heard. */
export const STATUS_BOUNDS: readonly number[] = [
  ...[0.01, 0.05, 0.1, 0.5, 1, 5, 10, 20, 30, 45, 60],
];
/** What the runtime is asked to do: from 5 ms, each 2.5 times the one before. */
export const RUNTIME_BOUNDS: readonly number[] = Array.from(
  { length: 14 },
  (_, index) => Number((0.005 * 2.5 ** index).toPrecision(6)),
);
/** Answers of the API server. */
export const REST_BOUNDS: readonly number[] = [
  ...[0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60],
];

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
/** The least size of each class of images. */
const SIZE_CLASSES: readonly (readonly [number, string])[] = [
  [0, "0-10MB"],
  [10 * MIB, "10MB-100MB"],
  [100 * MIB, "100MB-500MB"],
  [500 * MIB, "500MB-1GB"],
  [GIB, "1GB-5GB"],
  [5 * GIB, "5GB-10GB"],
  [10 * GIB, "10GB-20GB"],
  [20 * GIB, "20GB-30GB"],
  [30 * GIB, "30GB-40GB"],
  [40 * GIB, "40GB-60GB"],
  [60 * GIB, "60GB-100GB"],
  [100 * GIB, "GT100GB"],
];

/** How a kubelet's metrics name an image of this size. */
export function sizeClass(bytes: number): string {
  return SIZE_CLASSES.findLast(([least]) => bytes > least)?.[1] ?? "N/A";
}
