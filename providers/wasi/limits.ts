/**
 * Every bound of this room, with its unit and its reason.
 *
 * @module
 */

/** Bytes of one log line before it is split: the CRI's own number, which log readers rely on. */
export const LOG_LINE_BYTES_MAX = 16 * 1024;

/** Size of a log file before it is rotated: the kubelet's `containerLogMaxSize`. */
export const LOG_FILE_BYTES_MAX = 10 * 1024 * 1024;

/** Log files kept per run, the current one included: the kubelet's `containerLogMaxFiles`. */
export const LOG_FILES_MAX = 5;

/** Formatted log bytes held before they are written, when a guest writes one huge chunk. */
export const LOG_BATCH_BYTES_MAX = 256 * 1024;

/** What is kept of a guest process's own stderr: enough for V8's last words and a Rust panic. */
export const STDERR_TAIL_BYTES_MAX = 8 * 1024;

/** One word of a guest process to the agent. The longest one carries a trap message. */
export const WORD_BYTES_MAX = 64 * 1024;

/** One order to a guest process: argv and environment of a pod are a few MiB at the very most. */
export const ORDER_BYTES_MAX = 16 * 1024 * 1024;

/** Characters of a message that goes into a status: Kubernetes keeps 4,096 of them. */
export const MESSAGE_CHARS_MAX = 4096;

/** From spawn to `ready`: 20 ms on an idle machine, so this is a machine that is stuck. */
export const BOOT_MS_MAX = 30_000;

/** From a guest's last word to the end of its process: there is nothing left to do in it. */
export const EXIT_MS_MAX = 2_000;

/** How long a SIGKILL may take before the run is settled anyway: a process in an uninterruptible wait. */
export const KILL_MS_MAX = 5_000;

/**
 * Warm processes by default: a pod with a sidecar starts in 8 ms instead of 40, for about 20 MiB. More
 * only help pods of more containers, by 10 ms for each container.
 */
export const WARM_DEFAULT = 2;

/**
 * Warm processes while a burst lasts, about 10 MiB each: when ten pods come each second, half of them
 * start in 20 ms; with 4 it is 50, and with 12 no better.
 */
export const WARM_MAX = 8;

/** Without a start for so long, a burst is over. */
export const WARM_IDLE_MS = 30_000;

/**
 * Boots at once, for each processor. A boot waits for the agent and the kernel more than it computes:
 * with one for each processor, 100 pods at once start at half the speed, because the API server and
 * the agent's own work leave the boots nothing to overlap with.
 */
export const BOOTS_PER_CPU = 4;

/** Wait after a warm process could not be booted, or died; doubles up to the maximum. */
export const BOOT_RETRY_MS = 250;
export const BOOT_RETRY_MS_MAX = 30_000;
