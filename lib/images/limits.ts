/**
 * Limits on what an image may make this node do; those of the protocol are with it in `oci/`.
 *
 * @module
 */
export { ATTEMPTS_MAX, MANIFEST_BYTES_MAX } from "./oci/limits.ts";

/** Bytes of a module where the backend names no limit of its own: what engines take at most. */
export const MODULE_BYTES_MAX = 1024 * 1024 * 1024;
/** Milliseconds for a whole pull: 1 GiB at 300 KiB/s. */
export const PULL_MS_MAX = 3_600_000;

/** Bytes of one write or read of the disk. */
export const DISK_BYTES = 256 * 1024;
/** Milliseconds after which an unfinished download on disk is nobody's: far above the idle limit. */
export const PARTIAL_MS_MAX = 600_000;
/** Milliseconds that one process waits for another's lock: what is done under one takes some ms. */
export const LOCK_MS_MAX = 10_000;
/** Milliseconds between two words about a pull that takes long. */
export const PROGRESS_MS = 30_000;
