/**
 * Bounds of what a probe takes from whoever answers it. They are a kubelet's own.
 *
 * @module
 */

/** Bytes of an answer, or of a program's output, that are read. */
export const OUTPUT_BYTES_MAX = 10 * 1024;

/** Redirects to the same host that are followed. */
export const REDIRECTS_MAX = 10;

/** Attempts of one probe that could not be made at all, before that is told. */
export const ATTEMPTS_MAX = 3;

/** Milliseconds that an attempt may take to end, once its time is over. */
export const LATE_MS_MAX = 1_000;
