/**
 * `kubectl exec`: a program beside a container's own, with somebody at its streams.
 *
 * @module
 */
import type { ContainerRun, Provider } from "../provider.ts";
import { endOf, execFailure, execOf, programOf } from "./exec.ts";
import type { ContainerPlace, RunningContainers } from "./running.ts";
import { outputs, type Session, type SessionEnd, typedLines } from "./session.ts";

/** What an exec needs of the node. */
export interface ExecServices {
  readonly provider: Provider;
  readonly running: RunningContainers;
}

/** What somebody wants to run, and where. */
export interface ExecRequest extends ContainerPlace {
  readonly command: readonly string[];
  /** The program is to have a terminal. */
  readonly tty: boolean;
}

/** What shells report of a program that Ctrl-C has ended: 128 + SIGINT. */
const INTERRUPTED = 130;
/** How long a terminal may take to tell its size; it is told right at the beginning, or not at all. */
const SIZE_MS_MAX = 250;

/**
 * Runs a command in a container, between the streams of a session, and answers how it ended. The program is
 * gone when the container is, or the session's peer.
 *
 * Throws a `KubeletError` with code `no_container` if the container does not run, or `too_many`.
 */
export async function execAndStream(
  { provider, running }: ExecServices,
  { command, tty, ...place }: ExecRequest,
  session: Session,
): Promise<SessionEnd> {
  const container = running.get(place);
  using _counted = running.openSession(container);
  const interrupt = new AbortController();
  const write = outputs(session, tty);
  let broken = false;
  try {
    // Somebody who asks for a shell that is not there does not want a second server instead.
    const { otherwise: _own, ...program } = programOf(container, command);
    const run = tty
      ? { ...program.container, env: await withSize(program.container, session) }
      : program.container;
    const exit = await execOf(provider)({ ...program, container: run, ...(tty ? { tty } : {}) }, {
      kill: AbortSignal.any([container.gone, session.closed, interrupt.signal]),
      ...(session.stdin === undefined ? {} : {
        stdin: tty
          ? typedLines(session.stdin, {
            echo: session.stdout,
            onInterrupt: () => interrupt.abort(),
          })
          : session.stdin,
      }),
      async onOutput(stream, bytes): Promise<void> {
        if (broken) return;
        try {
          await write(stream, bytes);
        } catch {
          broken = true; // the peer is gone, which ends the program as well
        }
      },
    });
    if (exit.kind === "killed" && interrupt.signal.aborted) {
      return { kind: "exited", code: INTERRUPTED };
    }
    const { code, message } = endOf(exit);
    if (message !== "" && !broken) {
      const text = new TextEncoder().encode(`${message}\n`);
      await Promise.resolve(write(tty ? "stdout" : "stderr", text)).catch(() => {});
    }
    return { kind: "exited", code };
  } catch (error) {
    return { kind: "failed", message: execFailure(error) };
  }
}

/** The variables of a program in a terminal: they tell its size, which WASI does not. */
async function withSize(
  { env }: ContainerRun,
  { resizes, closed }: Session,
): Promise<ContainerRun["env"]> {
  const sizes = resizes[Symbol.asyncIterator]();
  const late = Promise.withResolvers<undefined>();
  const giveUp = (): void => late.resolve(undefined);
  const timer = setTimeout(giveUp, SIZE_MS_MAX);
  closed.addEventListener("abort", giveUp);
  const first = await Promise.race([sizes.next().catch(() => undefined), late.promise]);
  clearTimeout(timer);
  closed.removeEventListener("abort", giveUp);
  if (first === undefined || first.done === true) return { TERM: "xterm", ...env };
  const { width, height } = first.value;
  return { TERM: "xterm", ...env, COLUMNS: String(width), LINES: String(height) };
}
