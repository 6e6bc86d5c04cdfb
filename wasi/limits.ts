/**
 * Bounds on what a guest can make the host do, each with its reason.
 *
 * @module
 */

/** Open descriptors per guest: one guest must not use up the process's own (often 1,048,576). */
export const DESCRIPTORS_MAX = 8_192;

/** Descriptors that were closed while a thread of the guest was at work with them. */
export const DESCRIPTORS_CLOSING_MAX = 1_024;

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

/** Connections that wait to be accepted: what Linux itself allows (`net.core.somaxconn`). */
export const BACKLOG_MAX = 4_096;

/** Bytes that the kernel may buffer for one direction of a socket: enough for any one connection. */
export const SOCKET_BUFFER_BYTES_MAX = 4 * 1_048_576;

/** Addresses that one name is resolved into: more than any resolver gives. */
export const ADDRESSES_MAX = 64;

/** Bytes of a host's name, as DNS allows (RFC 1035 §2.3.4), with a dot and a NUL at its end. */
export const HOSTNAME_BYTES_MAX = 256;

/** Bytes that a socket of the portable host begins to buffer with, each way: most need no more. */
export const SOCKET_BYTES_MIN = 4_096;

/** Bytes that a socket of the portable host buffers each way; the rest stays with the system. */
export const SOCKET_BYTES_MAX = 65_536;

/** Datagrams that a socket of the portable host keeps; the next ones are lost. */
export const DATAGRAMS_MAX = 64;

/** Bytes of those datagrams, about what Linux keeps: a guest may have thousands of sockets. */
export const DATAGRAM_BYTES_MAX = 262_144;

/** Milliseconds that closed sockets of the portable host have to send what was written to them. */
export const LINGER_MS_MAX = 5_000;

/** Calls that a guest may make on the portable host before its event loop has a turn. */
export const CALLS_PER_TURN_MAX = 64;

/** Threads of one guest at once, unless said otherwise: each has a Worker, of about 10 MiB. */
export const THREADS_MAX = 64;

/** What may be said otherwise: the address space of the Workers has an end too. */
export const THREADS_CEILING = 1_024;

/** Workers of a guest that stay warm for its next threads; others go after {@linkcode THREAD_IDLE_MS}. */
export const IDLE_THREADS_MAX = 4;

/** Milliseconds that a Worker waits for a thread to run before it may go. */
export const THREAD_IDLE_MS = 2_000;

/** Milliseconds that `thread-spawn` waits for a thread to end before it refuses one too many. */
export const THREAD_SPAWN_WAIT_MS = 10;

/** MiB of a guest thread's stack: V8's own limit (`--stack-size`) must lie below it. */
export const THREAD_STACK_MIB = 8;

/** Bytes of output of all threads that wait for the supervisor; then writing blocks. */
export const OUTPUT_RING_BYTES = 262_144;

/** The longest datagram, with what the length in its header may say (RFC 768). */
export const UDP_BYTES_MAX = 65_535;

/** Places that a socket of datagrams has sent to and whose answers it takes: a client has a handful. */
export const CORRESPONDENTS_MAX = 64;
