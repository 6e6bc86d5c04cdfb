/**
 * Limits on what a registry, a token server or a local file may make this node do.
 *
 * @module
 */

/** Bytes of a manifest, an index or an image config: the size that the OCI specification names. */
export const MANIFEST_BYTES_MAX = 4 * 1024 * 1024;
/** Bytes of a module: four times the largest compiled programs, and small beside a node's disk. */
export const MODULE_BYTES_MAX = 1024 * 1024 * 1024;
/** Bytes of a token server's answer: tokens with many claims reach some tens of KiB. */
export const TOKEN_BYTES_MAX = 256 * 1024;
/** Bytes of an error's body that are read to find the registry's own words. */
export const ERROR_BYTES_MAX = 16 * 1024;
/** Characters of a registry's own words that reach a message of ours. */
export const ERROR_CHARS_MAX = 256;

/** Milliseconds from a request to the head of its answer. */
export const HEADERS_MS_MAX = 30_000;
/** Milliseconds without a single byte of a body. */
export const IDLE_MS_MAX = 30_000;
/** Milliseconds for a manifest or a token: a peer that trickles must not hold a pod for ever. */
export const SMALL_BODY_MS_MAX = 60_000;
/** Milliseconds for a whole pull: 1 GiB at 300 KiB/s. */
export const PULL_MS_MAX = 3_600_000;
/** Redirects of one request: a CDN needs one or two. */
export const REDIRECTS_MAX = 5;

/** Tries of one request. The kubelet's own back-off comes after them, so they are few. */
export const ATTEMPTS_MAX = 4;
/** Milliseconds before the second try; doubles with each further one. */
export const RETRY_MS = 250;
/** Milliseconds of `Retry-After` that are waited for here; a longer wait is left to the kubelet. */
export const RETRY_AFTER_MS_MAX = 10_000;

/** Tokens kept in memory: one for each repository and credential that was used lately. */
export const TOKENS_MAX = 512;
/** Milliseconds that a token must still be valid to be used: a request takes its time. */
export const TOKEN_SLACK_MS = 10_000;
/** Milliseconds that a token is valid when its server does not say: what the protocol prescribes. */
export const TOKEN_MS_DEFAULT = 60_000;
/** HTTP clients kept open, one for each registry. */
export const CLIENTS_MAX = 32;

/** Bytes of one write or read of the disk. */
export const DISK_BYTES = 256 * 1024;
/** Milliseconds after which an unfinished download on disk is nobody's: far above the idle limit. */
export const PARTIAL_MS_MAX = 600_000;
