/**
 * Answers as fast as they are read, and not for readers that have stopped to read.
 *
 * @module
 */
import type { ServerResponse } from "node:http";

/** What is written at once: whoever takes so much in time is no reader that has stopped. */
const PIECE_BYTES = 64 * 1024;

/** When somebody is given up. */
export interface DrainOptions {
  /** Time in which a reader has to take something, in ms; then the answer is cut off. */
  readonly stalledMs: number;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
}

/**
 * Writes bytes, and waits until there is room for more. False if nobody reads any more: they have left, the
 * signal is aborted, or they have taken nothing for too long.
 */
export async function write(
  response: ServerResponse,
  bytes: Uint8Array,
  options: DrainOptions,
): Promise<boolean> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    if (response.destroyed || options.signal.aborted) return false;
    if (response.write(bytes.subarray(at, at + PIECE_BYTES))) continue;
    await once(response, "drain", options);
  }
  return !response.destroyed && !options.signal.aborted;
}

/** Ends an answer, and waits until all of it is sent or it is cut off. */
export async function end(response: ServerResponse, options: DrainOptions): Promise<void> {
  response.end();
  if (!response.writableFinished && !response.destroyed) await once(response, "finish", options);
}

function once(
  response: ServerResponse,
  event: "drain" | "finish",
  { stalledMs, signal }: DrainOptions,
): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      for (const name of [event, "close"]) response.off(name, done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(() => {
      response.destroy();
      done();
    }, stalledMs);
    for (const name of [event, "close"]) response.once(name, done);
    signal.addEventListener("abort", done, { once: true });
    if (signal.aborted) done();
  });
}
