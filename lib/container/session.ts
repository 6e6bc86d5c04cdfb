/**
 * Somebody who talks to a program in a container, whichever protocol they came by.
 *
 * @module
 */
import { Terminal, toTerminal } from "./terminal.ts";

/** Somewhere to write to, as fast as the other side reads. */
export interface SessionOutput {
  /** Settles when there is room for more; rejects if nobody is there any more. */
  write(bytes: Uint8Array): Promise<void>;
}

/** The streams of an exec or attach. */
export interface Session {
  /** What the peer types. Absent: it was not asked for. */
  readonly stdin: ReadableStream<Uint8Array> | undefined;
  /** Absent: it was not asked for. */
  readonly stdout: SessionOutput | undefined;
  /** Absent: it was not asked for, or a terminal is. */
  readonly stderr: SessionOutput | undefined;
  /** Sizes of the peer's terminal, in characters. */
  readonly resizes: AsyncIterable<{ readonly width: number; readonly height: number }>;
  /** Aborted when the peer is gone. */
  readonly closed: AbortSignal;
}

/** How a session's program ended. */
export type SessionEnd =
  /** With this code, 0–255. */
  | { readonly kind: "exited"; readonly code: number }
  /** It could not be run, or nobody knows. */
  | { readonly kind: "failed"; readonly message: string };

/** What {@linkcode typedLines} is told of. */
export interface TypedLinesOptions {
  /** Where what is typed is shown. */
  readonly echo: SessionOutput | undefined;
  /** Ctrl-C on an empty line. */
  onInterrupt(): void;
}

/**
 * What is typed at a terminal, as its program reads it. Ends with Ctrl-D on an empty line, as well. It can be
 * cancelled while nobody types.
 */
export function typedLines(
  stdin: ReadableStream<Uint8Array>,
  { echo, onInterrupt }: TypedLinesOptions,
): ReadableStream<Uint8Array> {
  const terminal = new Terminal();
  const reader = stdin.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller): Promise<void> {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return controller.close();
        const { input, echo: shown, asks } = terminal.type(value);
        if (shown.length > 0) await echo?.write(shown);
        if (input.length > 0) controller.enqueue(input);
        if (asks === "interrupt") onInterrupt();
        if (asks !== undefined) {
          controller.close();
          return await reader.cancel();
        }
        if (input.length > 0) return;
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

/** Where a program's output goes: to the peer, as its terminal needs it if there is one. */
export function outputs(
  session: Pick<Session, "stdout" | "stderr">,
  tty: boolean,
): (stream: "stdout" | "stderr", bytes: Uint8Array) => Promise<void> | void {
  return (stream, bytes) =>
    tty ? session.stdout?.write(toTerminal(bytes)) : session[stream]?.write(bytes);
}
