/**
 * Bounds on what a guest can make the host do, each with its reason.
 *
 * @module
 */

/** Open descriptors per guest: one guest must not use up the process's own (often 1,048,576). */
export const DESCRIPTORS_MAX = 4_096;

/** Buffers per read or write, the kernel's IOV_MAX; more are answered with a short count. */
export const IOVECS_MAX = 1_024;

/** Bytes of one path, the kernel's PATH_MAX with its NUL. */
export const PATH_BYTES_MAX = 4_096;

/** Symbolic links followed in one path, the kernel's own number. */
export const LINKS_MAX = 40;

/** Bytes that Web Crypto fills per call; longer requests are filled in slices. */
export const RANDOM_SLICE_BYTES_MAX = 65_536;

/** Bytes of directory entries read from the kernel at once. */
export const READDIR_BYTES_MAX = 32_768;

/** Subscriptions per `poll_oneoff`: one per descriptor, and as many clocks. */
export const SUBSCRIPTIONS_MAX = 2 * DESCRIPTORS_MAX;

/** Milliseconds of one sleep: the thread comes back this often, so that it can be terminated. */
export const SLEEP_SLICE_MS_MAX = 5_000;

/** Tries at a path that changes under our feet before the guest is told `again`. */
export const RACE_TRIES_MAX = 16;

/** Frames of the Wasm stack in a trap's message: enough to find the cause of a recursion. */
export const TRAP_FRAMES_MAX = 64;
