/**
 * Commands without streams: what they write is the answer.
 *
 * @module
 */
import type { CommandEnd, RemoteCommandSession } from "../streaming/session.ts";
import type { FoundCommand } from "./stream_source.ts";

/** What an answer may have, since it is held as a whole: as the CRI's `ExecSync`. */
export const RUN_OUTPUT_BYTES_MAX = 16 * 1024 * 1024;

/** What most commands write fits. */
const FIRST_BYTES = 4 * 1024;

/**
 * Runs a command, and keeps what it writes to both streams.
 *
 * @returns the output and how it ended; `failed` if it wrote more than {@linkcode RUN_OUTPUT_BYTES_MAX}.
 */
export async function runAndKeep(
  found: FoundCommand,
  signal: AbortSignal,
): Promise<{ readonly output: Uint8Array<ArrayBuffer>; readonly end: CommandEnd }> {
  // One buffer: a guest that writes single bytes would make pieces cost a hundred times what they hold.
  let kept = new Uint8Array(FIRST_BYTES);
  let bytesKept = 0;
  const tooMuch = new AbortController();
  const out = {
    write: (bytes: Uint8Array): Promise<void> => {
      if (bytesKept + bytes.length > RUN_OUTPUT_BYTES_MAX) tooMuch.abort();
      if (tooMuch.signal.aborted) return Promise.resolve();
      kept = withRoom(kept, bytesKept + bytes.length);
      kept.set(bytes, bytesKept);
      bytesKept += bytes.length;
      return Promise.resolve();
    },
  };
  const session: RemoteCommandSession = {
    stdin: undefined,
    stdout: out,
    stderr: out,
    resizes: noSizes(),
    closed: AbortSignal.any([signal, tooMuch.signal]),
    exit: () => Promise.resolve(),
  };
  const end = await found(session);
  const output = kept.subarray(0, bytesKept);
  if (!tooMuch.signal.aborted) return { output, end };
  const message = `it writes more than ${RUN_OUTPUT_BYTES_MAX} bytes`;
  return { output, end: { kind: "failed", message } };
}

/** The same bytes with room for so many, at least twice as many as before if they are not enough. */
function withRoom(bytes: Uint8Array<ArrayBuffer>, wanted: number): Uint8Array<ArrayBuffer> {
  if (wanted <= bytes.length) return bytes;
  const larger = new Uint8Array(Math.max(wanted, 2 * bytes.length));
  larger.set(bytes);
  return larger;
}

async function* noSizes(): AsyncGenerator<never> {}
