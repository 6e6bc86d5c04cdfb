/**
 * `kubectl attach`: somebody at the streams of a container's own program.
 *
 * What it writes is read from its log, so that the guest has one place to write to, whoever listens: nobody
 * who is slow stops it.
 *
 * @module
 */
import { messageOf } from "../errors.ts";
import { logLines } from "./log_lines.ts";
import type { ContainerPlace, Running, RunningContainers } from "./running.ts";
import { outputs, type Session, type SessionEnd, typedLines } from "./session.ts";

/** How long one write to a client may take; then it is cut off. */
export const ATTACH_WRITE_MS_MAX = 30_000;
/** How often a silent log is looked at: an answer to what was typed should seem to come at once. */
const POLL_MS_MAX = 40;

/** What is attached to, and for how long a client may be slow. */
export interface AttachRequest extends ContainerPlace {
  /** @default {ATTACH_WRITE_MS_MAX} */
  readonly writeMsMax?: number;
}

/**
 * Joins a session to a container's standard streams, from now on, until the container ends or the session
 * does. A client that reads too slowly is cut off.
 *
 * Throws a `KubeletError` with code `no_container` if the container does not run, or `too_many`.
 */
export async function attachAndStream(
  running: RunningContainers,
  { writeMsMax = ATTACH_WRITE_MS_MAX, ...place }: AttachRequest,
  session: Session,
): Promise<SessionEnd> {
  const container = running.get(place);
  using _counted = running.openSession(container);
  const leave = new AbortController();
  const over = AbortSignal.any([session.closed, leave.signal]);
  const opened = Promise.withResolvers<void>();
  const typing = opened.promise.then(() => type(container, session, leave));
  try {
    await follow(container, session, { over, writeMsMax, onOpened: opened.resolve });
    return { kind: "exited", code: 0 };
  } catch (error) {
    return {
      kind: "failed",
      message: `Cannot attach to container "${place.container}": ${messageOf(error)}`,
    };
  } finally {
    opened.resolve();
    leave.abort();
    await session.stdin?.cancel().catch(() => {}); // it may be in use, and ends with its session then
    void typing;
  }
}

interface Following {
  readonly over: AbortSignal;
  readonly writeMsMax: number;
  /** Called when whatever is written from now on will be seen. */
  readonly onOpened: () => void;
}

async function follow(
  { run, spec, gone }: Running,
  session: Session,
  { over, writeMsMax, onOpened }: Following,
): Promise<void> {
  const write = outputs(session, spec.tty === true);
  const cut = run.logPath.lastIndexOf("/");
  const lines = logLines({
    dir: run.logPath.slice(0, cut),
    attempt: run.attempt,
    tailLines: 0,
    follow: true,
    pollMsMax: POLL_MS_MAX,
    onOpened,
    ended: ended(gone, over),
    signal: over,
  });
  for await (const { stream, text } of lines) {
    await inTime(write(stream, text), writeMsMax);
  }
}

/** Never settles once it is `over`: a container that lives long must not remember all who were there. */
function ended(gone: AbortSignal, over: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (gone.aborted) resolve();
    gone.addEventListener("abort", () => resolve(), { once: true, signal: over });
  });
}

async function inTime(writing: Promise<void> | void, msMax: number): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`it was cut off: it has read nothing for ${msMax} ms`)),
    msMax,
  );
  try {
    await Promise.race([writing, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Passes on what is typed. Ctrl-C on an empty line leaves: WASI has no signals. */
async function type(
  { spec, input }: Running,
  session: Session,
  leave: AbortController,
): Promise<void> {
  if (session.stdin === undefined || input === undefined || leave.signal.aborted) return;
  await input.take(
    spec.tty === true
      ? typedLines(session.stdin, { echo: session.stdout, onInterrupt: () => leave.abort() })
      : session.stdin,
  );
}
