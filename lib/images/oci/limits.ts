/**
 * Limits on what a registry or a token server may make its client do.
 *
 * @module
 */

/** Bytes of a manifest, an index or an image config: the size that the OCI specification names. */
export const MANIFEST_BYTES_MAX = 4 * 1024 * 1024;
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
/** Milliseconds in which a body must bring at least `SLOW_BYTES_MIN`. */
export const SLOW_MS = 60_000;
/** Bytes that a peer must send within `SLOW_MS`: one that trickles 1 KiB/s helps nobody. */
export const SLOW_BYTES_MIN = 64 * 1024;
/** Milliseconds for a manifest or a token: a peer that trickles must not hold its caller for ever. */
export const SMALL_BODY_MS_MAX = 60_000;
/** Milliseconds for one request that sends a chunk of a blob: 8 MiB at 28 KiB/s. */
export const UPLOAD_MS_MAX = 300_000;
/**
 * Milliseconds after which no further try of a small exchange begins: a peer that kept its caller
 * waiting for so long is left to the caller's own back-off.
 */
export const SMALL_TRIES_MS_MAX = 30_000;
/** Redirects of one request: a CDN needs one or two. */
export const REDIRECTS_MAX = 5;

/** Tries of one request. A caller's own back-off comes after them, so they are few. */
export const ATTEMPTS_MAX = 4;
/** Milliseconds before the second try; doubles with each further one. */
export const RETRY_MS = 250;
/** Milliseconds of `Retry-After` that are waited for here; a longer wait is left to the caller. */
export const RETRY_AFTER_MS_MAX = 10_000;

/** Tokens kept in memory: one for each repository and credential that was used lately. */
export const TOKENS_MAX = 512;
/** Milliseconds that a token must still be valid to be used: a request takes its time. */
export const TOKEN_SLACK_MS = 10_000;
/** Milliseconds that a token is valid when its server does not say: what the protocol prescribes. */
export const TOKEN_MS_DEFAULT = 60_000;
/** Milliseconds that a token is kept at most, whatever its server says. */
export const TOKEN_MS_MAX = 24 * 3_600_000;
/** HTTP clients kept open, one for each registry. */
export const CLIENTS_MAX = 32;

/** Bytes of one read of a body: fewer, larger reads cost the main thread less. */
export const READ_BYTES = 256 * 1024;
/** Bytes of one part of a blob that is fetched in parts: small beside a connection's cost. */
export const PART_BYTES = 8 * 1024 * 1024;
/** Milliseconds of a download after which its pace says something. */
export const PACE_MS = 500;
/** Bytes a second of one connection above which parts would only cost: 256 Mbit/s. */
export const SLOW_BYTES_PER_S = 32 * 1024 * 1024;
/** Parts of one blob that are under way at once. */
export const PARTS_MAX = 4;
/** Parts of all blobs together that are under way at once: 64 MiB of memory. */
export const PARTS_TOTAL_MAX = 8;

/** Bytes of a blob that is sent in one piece; a larger one is sent in chunks of this size. */
export const CHUNK_BYTES = 8 * 1024 * 1024;
/** Bytes of the smallest chunk that a registry may demand (`OCI-Chunk-Min-Length`). */
export const CHUNK_BYTES_MAX = 128 * 1024 * 1024;
/** Times that an upload which broke is taken up again, or begun anew. */
export const RESUMES_MAX = 8;

/** Pages of a list of tags or referrers: with 100 on a page, 100,000 of them. */
export const PAGES_MAX = 1_000;
/** Bytes of one page of tags. */
export const PAGE_BYTES_MAX = 4 * 1024 * 1024;
