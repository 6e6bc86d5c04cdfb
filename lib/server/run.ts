/**
 * Commands without streams: what they write is the answer.
 *
 * @module
 */
import type { CommandEnd, RemoteCommandSession } from "../streaming/session.ts";
import type { FoundCommand } from "./stream_source.ts";

/** What an answer may have, since it is held as a whole: as the CRI's `ExecSync`. */
export const RUN_OUTPUT_BYTES_MAX = 16 * 1024 * 1024;

/**
 * Runs a command, and keeps what it writes to both streams.
 *
 * @returns the output and how it ended; `failed` if it wrote more than {@linkcode RUN_OUTPUT_BYTES_MAX}.
 */
export async function runAndKeep(
  found: FoundCommand,
  signal: AbortSignal,
): Promise<{ readonly output: Uint8Array<ArrayBuffer>; readonly end: CommandEnd }> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let bytesKept = 0;
  const tooMuch = new AbortController();
  const out = {
    write: (bytes: Uint8Array): Promise<void> => {
      bytesKept += bytes.length;
      if (bytesKept > RUN_OUTPUT_BYTES_MAX) tooMuch.abort();
      else pieces.push(bytes.slice());
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
  const output = new Uint8Array(await new Blob(pieces).arrayBuffer());
  if (!tooMuch.signal.aborted) return { output, end };
  const message = `it writes more than ${RUN_OUTPUT_BYTES_MAX} bytes`;
  return { output, end: { kind: "failed", message } };
}

async function* noSizes(): AsyncGenerator<never> {}
