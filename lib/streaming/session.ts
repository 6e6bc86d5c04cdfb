/**
 * What a streaming request is to those who serve it, whichever protocol it came by.
 *
 * @module
 */

/** A terminal's size, in characters. */
export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

/** How a command ended, as its caller is told. */
export type CommandEnd =
  /** It ran, and ended with this code (0–255). */
  | { readonly kind: "exited"; readonly code: number }
  /** It could not be run, or nobody knows how it ended. */
  | { readonly kind: "failed"; readonly message: string };

/** Which streams a command is asked for with. */
export interface CommandStreams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  /** Never true together with `tty`. */
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** Somewhere to write to, as fast as the other side reads. */
export interface Output {
  /**
   * Sends the bytes, which are copied at once. Settles when there is room for more; rejects with a
   * {@linkcode ClosedError} if the peer has gone.
   */
  write(bytes: Uint8Array): Promise<void>;
}

/** One `exec` or `attach`: the streams between a peer and a program. */
export interface RemoteCommandSession {
  /**
   * What the peer types. Ends when the peer says so; fails if the peer goes before. Absent: it was not
   * asked for. Nothing more is taken from the peer while it is not read.
   */
  readonly stdin: ReadableStream<Uint8Array> | undefined;
  /** Absent: it was not asked for. */
  readonly stdout: Output | undefined;
  /** Absent: it was not asked for, or a terminal is. */
  readonly stderr: Output | undefined;
  /** The terminal's sizes, the newest that has not been seen; for one reader. Ends with the session. */
  readonly resizes: AsyncIterable<TerminalSize>;
  /** Aborted when the connection is gone, whoever closed it. */
  readonly closed: AbortSignal;
  /**
   * Tells how the command ended, after all that was written, and ends the session. Settles when the
   * connection is closed, at the latest after `LINGER_MS`; never rejects. Later calls change nothing.
   */
  exit(end: CommandEnd): Promise<void>;
}

/** One connection of a peer's client to a port of a pod. */
export interface ForwardedConnection {
  /** 1–65535. */
  readonly port: number;
  /**
   * What the client sends, and what it is sent. Each direction ends by itself; both fail if the peer
   * resets the connection or goes.
   */
  readonly data: ReadableWritablePair<Uint8Array, Uint8Array>;
  /** Aborted when nothing can be sent or received any more. */
  readonly closed: AbortSignal;
  /** Ends both directions, after all that was written. Never rejects. */
  end(): Promise<void>;
  /** Tells the peer what is wrong, and ends both directions. Never rejects. */
  fail(message: string): Promise<void>;
}

/** One `port-forward`: connections as the peer's clients make them; for one reader. */
export interface PortForwardSession extends AsyncIterable<ForwardedConnection> {
  /** Aborted when the connection is gone, whoever closed it. The iteration then ends. */
  readonly closed: AbortSignal;
  /** Ends the session, with all connections in it. Never rejects. */
  close(): Promise<void>;
}

/** The peer has gone, or has closed what was to be written to. */
export class ClosedError extends Error {
  /** Stays the same in a minified program. */
  override readonly name = "ClosedError";
}

/** The peer has said something that the protocol does not allow. */
export class ProtocolError extends Error {
  /** Stays the same in a minified program. */
  override readonly name = "ProtocolError";
}
