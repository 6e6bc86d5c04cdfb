/**
 * Limits on the files and programs that credentials come from.
 *
 * @module
 */

/** Bytes of a Docker configuration: one with a thousand registries has 200 KiB. */
export const CONFIG_BYTES_MAX = 4 * 1024 * 1024;
/** Milliseconds that a credential helper or provider may take: a kubelet's own limit. */
export const PROGRAM_MS_MAX = 60_000;
/** Bytes that such a program may answer: a token has some KiB. */
export const ANSWER_BYTES_MAX = 1024 * 1024;
/** Bytes of its error output that are read to find its own words. */
export const WORDS_BYTES_MAX = 4 * 1024;
/** Answers of one provider that are remembered: one for each image or service account. */
export const ANSWERS_MAX = 1_024;
/** Milliseconds that an answer is remembered at most, whatever its program says. */
export const ANSWER_MS_MAX = 24 * 3_600_000;
