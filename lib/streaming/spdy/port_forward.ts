/**
 * `port-forward` over SPDY: for each client a stream of data and one for an error, paired by the
 * header `requestID`.
 *
 * @module
 */
import { Arrivals } from "../arrivals.ts";
import type { ByteSocket } from "../byte_socket.ts";
import { ERROR_CHARS_MAX, type StreamingTimes, STREAMS_MAX } from "../limits.ts";
import { parsePort } from "../ports.ts";
import type { ForwardedConnection, PortForwardSession } from "../session.ts";
import { SpdyConnection } from "./connection.ts";
import { RST_STATUS } from "./frames.ts";
import type { SpdyStream } from "./stream.ts";

/** How a connection is served. */
export interface ForwardOptions {
  readonly times: StreamingTimes;
  /** Ends it in good order. @default {nothing does} */
  readonly signal?: AbortSignal;
}

/** Serves a connection on which clients of ports come and go. */
export function forwardOverSpdy(
  socket: ByteSocket,
  options: ForwardOptions,
): PortForwardSession {
  return new SpdyForward(socket, options);
}

/** The streams of one client, as long as they are not complete. */
interface Pair {
  readonly timer: ReturnType<typeof setTimeout>;
  data?: SpdyStream;
  error?: SpdyStream;
  /** What the data's stream asks for; the other one's is only looked at. */
  port?: number;
}

class SpdyForward implements PortForwardSession {
  readonly #connection: SpdyConnection;
  readonly #creationMs: number;
  readonly #pairs = new Map<string, Pair>();
  readonly #ready = new Arrivals<ForwardedConnection>();

  constructor(socket: ByteSocket, { times, signal }: ForwardOptions) {
    this.#creationMs = times.creationMs;
    this.#connection = new SpdyConnection(socket, {
      times,
      signal,
      onStream: (stream) => this.#add(stream),
    });
    void this.#run();
  }

  get closed(): AbortSignal {
    return this.#connection.closed;
  }

  [Symbol.asyncIterator](): AsyncIterator<ForwardedConnection> {
    return this.#ready[Symbol.asyncIterator]();
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #run(): Promise<void> {
    await this.#connection.run();
    for (const { timer } of this.#pairs.values()) clearTimeout(timer);
    this.#pairs.clear();
    this.#ready.end();
  }

  #add(stream: SpdyStream): boolean {
    const type = stream.headers.get("streamtype");
    const port = parsePort(stream.headers.get("port"));
    if (port === undefined || (type !== "data" && type !== "error")) return false;
    const id = pairId(stream, type);
    const pair = this.#pairs.get(id) ?? this.#begin(id);
    if (pair === undefined || pair[type] !== undefined) return false;
    pair[type] = stream;
    if (type === "error") void stream.readable.cancel();
    else pair.port = port;
    const { data, error } = pair;
    if (data !== undefined && error !== undefined) {
      this.#drop(id, pair);
      this.#ready.add(new SpdyForwarded({ port: pair.port!, stream: data, error }));
    }
    return true;
  }

  /** `undefined` if there are too many: streams that were reset wait for their other ones, too. */
  #begin(id: string): Pair | undefined {
    if (this.#pairs.size >= STREAMS_MAX) return undefined;
    const pair: Pair = { timer: setTimeout(() => this.#late(id, pair), this.#creationMs) };
    this.#pairs.set(id, pair);
    return pair;
  }

  #late(id: string, pair: Pair): void {
    this.#drop(id, pair);
    void pair.data?.reset(RST_STATUS.cancel);
    void tell(pair.error, "timed out waiting for the other stream of the request");
  }

  #drop(id: string, { timer }: Pair): void {
    clearTimeout(timer);
    this.#pairs.delete(id);
  }
}

/** Clients from before there was a `requestID` open a stream for errors, and then one for data. */
function pairId(stream: SpdyStream, type: "data" | "error"): string {
  const id = stream.headers.get("requestid") ?? "";
  return id !== "" ? `request ${id}` : `stream ${type === "error" ? stream.id : stream.id - 2}`;
}

class SpdyForwarded implements ForwardedConnection {
  readonly port: number;
  readonly data: ReadableWritablePair<Uint8Array, Uint8Array>;
  readonly #data: SpdyStream;
  readonly #error: SpdyStream;

  constructor({ port, stream, error }: { port: number; stream: SpdyStream; error: SpdyStream }) {
    this.port = port;
    this.data = { readable: stream.readable, writable: stream.writable };
    this.#data = stream;
    this.#error = error;
  }

  get closed(): AbortSignal {
    return this.#data.closed;
  }

  async end(): Promise<void> {
    await this.#data.end();
    // What the client still sends has no reader any more.
    this.#data.inbox.discard();
    await this.#error.end();
  }

  async fail(message: string): Promise<void> {
    const told = tell(this.#error, message);
    await this.#data.reset();
    await told;
  }
}

async function tell(error: SpdyStream | undefined, message: string): Promise<void> {
  if (error === undefined) return;
  await error.write(new TextEncoder().encode(message.slice(0, ERROR_CHARS_MAX))).catch(() => {});
  await error.end();
}
