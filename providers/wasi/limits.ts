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

/** Bytes of a guest's output in one word: as much as a pipe holds on Linux. */
export const OUTPUT_BYTES_MAX = 64 * 1024;

/** What is kept of a guest process's own stderr: enough for V8's last words and a Rust panic. */
export const STDERR_TAIL_BYTES_MAX = 8 * 1024;

/** One word of a guest process to the agent. The longest one carries a trap message. */
export const WORD_BYTES_MAX = 64 * 1024;

/**
 * What a guest process may say in its life, to its agent and on its stderr each. Words of all guests of
 * a shared one are a tenth of that; whoever says more wants to keep the agent busy.
 */
export const SAID_BYTES_MAX = 32 * 1024 * 1024;

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

/** How long a guest that has started has the processors to itself, before another process is warmed up. */
export const FIRST_WORDS_MS = 10;

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

/**
 * Descriptors of a guest process: what the WASI host lets one guest have, and what Deno and the log need
 * beside.
 */
export const PROCESS_DESCRIPTORS_MAX = 8_192 + 512;

/** Descriptors of one guest in a shared process: what the WASI host lets it have, and what that has beside. */
export const SHARED_DESCRIPTORS_EACH_MAX = 8_192 + 64;

/** Descriptors of a shared process that no guest gets: Deno needs half a dozen for each Worker, and the logs one. */
export const SHARED_DESCRIPTORS_KEPT = 1_024;

/** Niceness of threads that run guests: the agent, which serves all pods, gets three times their share. */
export const GUEST_NICENESS = 5;

/** `oom_score_adj` of a guest process: when memory runs out, the kernel takes a guest and not the agent. */
export const GUEST_OOM_SCORE = 1_000;

/**
 * Bytes that a process may have beside its guest's memory and what it had when it was idle: heap of
 * JavaScript, buffers, and tables of the guest.
 */
export const HOST_BYTES_MAX = 128 * 1024 * 1024;

/** Bytes of compiled code and of the compiler's own data, for each byte of the module. */
export const CODE_BYTES_PER_MODULE_BYTE = 8;

/** MiB of JavaScript heap for each Worker of a shared process; WasmGC objects live there. */
export const SHARED_HEAP_MIB_MAX = 256;

/** Guests in one shared process: as many are harmed when one of them brings it down. */
export const SHARED_GUESTS_MAX = 64;

/**
 * Guests that a shared process runs in its life; the next one gets a new process. Deno leaves a little
 * memory behind for each Worker that ended.
 */
export const SHARED_USES_MAX = 256;

/** A shared process without a guest ends after this: a container that is restarted finds it. */
export const SHARED_IDLE_MS = 15_000;

/** How long a guest in a Worker may take to be gone; then its whole process is killed. */
export const WORKER_END_MS_MAX = 1_000;

/** Between two signals to a thread that is to end: a call may begin right after a signal was taken. */
export const WORKER_SIGNAL_MS = 2;

/** After the last start or end a shared process waits so long before it boots a Worker in advance. */
export const WORKER_REFILL_MS = 50;

/** In which a container may use its CPU limit once: the kernel's own period (`cpu.max`, cgroup v2). */
export const CPU_PERIOD_MS = 100;

/** The smallest quota that the kernel takes for a period, in µs (`cpu.max`). */
export const CPU_QUOTA_US_MIN = 1_000;

/** The shortest rest of a container that has used up its CPU time: a stop and its end cost 0.1 ms. */
export const CPU_REST_MS_MIN = 10;

/** The longest rest, whatever was used: an agent that was asleep itself must not stop a guest for minutes. */
export const CPU_PAUSE_MS_MAX = 5_000;

/** Between two looks at a container that uses its CPU limit up: what a timer can tell apart, twice. */
export const CPU_LOOK_MS_MIN = 2;

/**
 * Between two looks at a container that sleeps, before the kernel's alarms take over or where there are none; a look
 * costs 5 µs.
 */
export const CPU_IDLE_LOOK_MS = { min: 50, max: 250 } as const;

/** How long a container may have to rest because nobody looked when it woke up, one thread of it. */
export const CPU_IDLE_PAUSE_MS = 1_000;

/** Between two looks at all that sleep: an alarm does not say whose it is, and many that do little ring often. */
export const CPU_ALARM_REST_MS = 20;

/** One line of a guest's process about the network: a name and what is around it. */
export const QUESTION_BYTES_MAX = 1_024;

/** One line of the agent about the network: all the addresses of a name. */
export const ANSWER_BYTES_MAX = 16 * 1024;

/** Addresses of each family that the agent tells of one name: more do not fit into its line. */
export const NAME_ADDRESSES_MAX = 128;

/** Characters of a name that is to be resolved (RFC 1035 §2.3.4, and the dot at its end). */
export const NAME_CHARS_MAX = 254;

/** How long the network may take to answer a guest; a resolver gives up before. */
export const ANSWER_MS_MAX = 30_000;

/** How long a guest's process waits for an answer: as much again for the agent itself to be held up. */
export const PATIENCE_MS_MAX = 2 * ANSWER_MS_MAX;

/** From a connection to the agent until it has shown its ticket: it is sent before anything else. */
export const HELLO_MS_MAX = 10_000;

/** After an accept that failed, as it does while the agent has too many files open. */
export const ACCEPT_PAUSE_MS = 50;

/**
 * Connections at once that have shown no ticket yet; one more, and the first of them is closed. Processes of guests
 * show theirs at once.
 */
export const STRANGERS_MAX = 256;

/** `sun_path` of unix(7), with a NUL. */
export const SOCKET_PATH_BYTES_MAX = 107;

/**
 * Questions of one guest about the network: a server asks once, and a client once for each connection. The
 * agent needs 50 µs for each, which is a tenth of a processor at most.
 */
export const QUESTIONS_PER_S_MAX = 2_000;

/** Questions of one guest at once, before that rate is enforced. */
export const QUESTIONS_BURST = 4_000;

/**
 * Questions of all guests of a node: each has one at a time that waits for its turn, so that who asks rarely waits for
 * one of each who asks without end, 10 ms behind a hundred of them. It leaves the agent half of its processor.
 */
export const ALL_QUESTIONS_PER_S_MAX = 10_000;

/** What is read at once from a process that says little… */
export const READ_BYTES_MIN = 1_024;
/** …and from one that has filled that. */
export const READ_BYTES_MAX = 64 * 1024;
