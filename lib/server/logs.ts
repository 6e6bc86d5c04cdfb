/**
 * Serves what containers wrote.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { readLog } from "../container/log_file.ts";
import { parseLogQuery } from "./log_query.ts";
import { write } from "./drain.ts";
import { sendText } from "./responses.ts";

/** Where the log of a container's run is. */
export interface LogLocation {
  /** Folder of the container's log files. */
  readonly dir: string;
  readonly attempt: number;
  /** Resolves when the run has ended and everything is written; for those who wait for it. */
  ended(): Promise<void>;
}

/** Why there is no log. `message` is for the user, as `pod "a" does not exist`. */
export interface LogAbsence {
  readonly error:
    /** There is no such pod. */
    | "pod"
    /** The pod has no such container. */
    | "container"
    /** The container has no earlier run. */
    | "previous"
    /** The container has not run yet. */
    | "waiting";
  readonly message: string;
}

/** Knows where containers write. */
export interface LogSource {
  locate(
    container: { readonly namespace: string; readonly pod: string; readonly container: string },
    previous: boolean,
  ): LogLocation | LogAbsence;
}

/** A reader that takes nothing for so long is gone, or holds our memory for nothing. */
const STALLED_MS_MAX = 10 * 60_000;

/** One request for a log. */
export interface LogRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly container: { namespace: string; pod: string; container: string };
  readonly params: URLSearchParams;
  /** Ends the answer when the server closes. */
  readonly signal: AbortSignal;
  /** Ends it when nobody waits for it any more. */
  readonly gone: AbortSignal;
}

/** Answers one request for a log; ends when everything is sent or the client is gone. */
export async function serveLogs(logs: LogSource, given: LogRequest): Promise<void> {
  const { response, container } = given;
  let query: ReturnType<typeof parseLogQuery>;
  try {
    query = parseLogQuery(given.params, Date.now());
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return sendText(response, { status: 400, text: error.message });
  }
  const place = logs.locate(container, query.previous);
  if ("error" in place) {
    const isUnknown = place.error === "pod" || place.error === "container";
    return sendText(response, { status: isUnknown ? 404 : 400, text: place.message });
  }
  const stop = new AbortController();
  const end = (): void => stop.abort();
  for (const signal of [given.gone, given.signal]) {
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
  }
  try {
    response.writeHead(200, { "content-type": "text/plain" });
    // An answer without a body that is flushed and ended in one turn stalls its connection over TLS
    // (measured on Deno 2.9.6).
    if (given.request.method !== "HEAD") {
      // A follower of a silent container must learn at once that it is heard.
      response.flushHeaders();
      const { dir, attempt } = place;
      const ended = query.follow ? { ended: place.ended() } : {};
      const reading = readLog({ ...query, dir, attempt, ...ended, signal: stop.signal });
      const draining = { stalledMs: STALLED_MS_MAX, signal: stop.signal };
      for await (const bytes of reading) {
        if (!await write(response, bytes, draining)) break;
      }
    }
    // Neither then nor behind a failure: what is cut off must not look complete.
    if (given.signal.aborted) response.destroy();
    else response.end();
  } finally {
    given.signal.removeEventListener("abort", end);
  }
}
