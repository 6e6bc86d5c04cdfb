/**
 * `exec` and `attach` over SPDY: a stream for each of stdin, stdout, stderr, the terminal's sizes and
 * the ending, named by the header `streamType`.
 *
 * @module
 */
import type { ByteSocket } from "../byte_socket.ts";
import type { StreamingTimes } from "../limits.ts";
import { Resizes } from "../resizes.ts";
import {
  ClosedError,
  type CommandEnd,
  type CommandStreams,
  type Output,
  type RemoteCommandSession,
  type TerminalSize,
} from "../session.ts";
import { statusText } from "../status.ts";
import { waitAtMost } from "../wait.ts";
import { SpdyConnection } from "./connection.ts";
import type { SpdyStream } from "./stream.ts";

/** A connection on which a command is to be served. */
export interface CommandOptions {
  /** 1 to 4: the version of `v4.channel.k8s.io`. */
  readonly version: number;
  readonly streams: CommandStreams;
  readonly times: StreamingTimes;
  /** Ends it in good order. @default {nothing does} */
  readonly signal?: AbortSignal;
}

/**
 * Waits until the peer has opened the streams that it must.
 *
 * @throws {ClosedError} if it goes before.
 * @throws {ProtocolError} if it takes more than `creationMs`.
 */
export async function commandOverSpdy(
  socket: ByteSocket,
  options: CommandOptions,
): Promise<RemoteCommandSession> {
  const gathering = new Gathering(options);
  const connection = new SpdyConnection(socket, {
    times: options.times,
    signal: options.signal,
    onStream: (stream) => gathering.add(stream),
  });
  void connection.run();
  try {
    await waitAtMost(gathering.complete, {
      ms: options.times.creationMs,
      signal: connection.closed,
      what: "the streams of the command",
    });
  } catch (error) {
    await connection.close();
    throw error;
  }
  return new SpdyCommand(connection, { ...options, streams: gathering.streams });
}

/** The streams by their types, as they come. */
class Gathering {
  readonly streams = new Map<string, SpdyStream>();
  readonly complete: Promise<void>;
  readonly #wanted: ReadonlySet<string>;
  readonly #resolve: () => void;

  constructor({ version, streams: { stdin, stdout, stderr, tty } }: CommandOptions) {
    this.#wanted = new Set([
      "error",
      ...(stdin ? ["stdin"] : []),
      ...(stdout ? ["stdout"] : []),
      ...(stderr ? ["stderr"] : []),
      ...(tty && version >= 3 ? ["resize"] : []),
    ]);
    ({ promise: this.complete, resolve: this.#resolve } = Promise.withResolvers<void>());
  }

  add(stream: SpdyStream): boolean {
    const type = stream.headers.get("streamtype") ?? "";
    if (!this.#wanted.has(type) || this.streams.has(type)) return false;
    this.streams.set(type, stream);
    // Nobody reads what the peer might send on those that are written to.
    if (type !== "stdin" && type !== "resize") void stream.readable.cancel();
    if (this.streams.size === this.#wanted.size) this.#resolve();
    return true;
  }
}

class SpdyCommand implements RemoteCommandSession {
  readonly #connection: SpdyConnection;
  readonly #streams: ReadonlyMap<string, SpdyStream>;
  readonly #version: number;
  readonly #times: StreamingTimes;
  readonly #resizes = new Resizes();
  #ending: Promise<void> | undefined;

  constructor(
    connection: SpdyConnection,
    { streams, version, times }: {
      streams: ReadonlyMap<string, SpdyStream>;
      version: number;
      times: StreamingTimes;
    },
  ) {
    this.#connection = connection;
    this.#streams = streams;
    this.#version = version;
    this.#times = times;
    void this.#readSizes();
  }

  get stdin(): ReadableStream<Uint8Array> | undefined {
    return this.#streams.get("stdin")?.readable;
  }

  get stdout(): Output | undefined {
    return this.#streams.get("stdout");
  }

  get stderr(): Output | undefined {
    return this.#streams.get("stderr");
  }

  get resizes(): AsyncIterable<TerminalSize> {
    return this.#resizes;
  }

  get closed(): AbortSignal {
    return this.#connection.closed;
  }

  exit(end: CommandEnd): Promise<void> {
    return this.#ending ??= this.#exit(end);
  }

  async #exit(end: CommandEnd): Promise<void> {
    const { closed } = this.#connection;
    // A client that is held up while it sends its input could not close.
    this.#streams.get("stdin")?.inbox.discard();
    const told = this.#tell(end);
    // Clients close when they have read everything; that is how we know that they have.
    const gone = told.then(() => untilAborted(closed));
    await waitAtMost(gone, { ms: this.#times.lingerMs, signal: closed, what: "the peer" })
      .catch(() => {});
    await this.#connection.close();
  }

  async #tell(end: CommandEnd): Promise<void> {
    const error = this.#streams.get("error")!;
    await this.#streams.get("stdout")?.end();
    await this.#streams.get("stderr")?.end();
    const text = statusText(end, this.#version);
    await error.write(new TextEncoder().encode(text)).catch(() => {});
    await error.end();
  }

  async #readSizes(): Promise<void> {
    try {
      for await (const bytes of this.#streams.get("resize")?.readable ?? []) {
        this.#resizes.push(bytes);
      }
    } catch (error) {
      if (!(error instanceof ClosedError)) throw error;
    } finally {
      this.#resizes.end();
    }
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
