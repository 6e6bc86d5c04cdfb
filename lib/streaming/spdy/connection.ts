/**
 * The server's side of a SPDY/3.1 connection, as Kubernetes speaks it: streams are opened by the peer
 * alone, and nobody keeps to flow-control windows, so that a stream that is not read holds up the
 * connection.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import type { ByteSocket } from "../byte_socket.ts";
import { Heartbeat } from "../heartbeat.ts";
import { Budget, Inbox } from "../inbox.ts";
import { type StreamingTimes, STREAMS_MAX } from "../limits.ts";
import { ClosedError, ProtocolError } from "../session.ts";
import {
  type Frame,
  FrameReader,
  GOAWAY_STATUS,
  goawayFrame,
  pingFrame,
  RST_STATUS,
  rstStreamFrame,
  synReplyFrame,
} from "./frames.ts";
import { EmptyHeaderBlocks, HeaderInflater, parseHeaders } from "./headers.ts";
import { SpdyStream, type StreamHost } from "./stream.ts";

/** What a connection tells, and how patient it is. */
export interface SpdyOptions {
  readonly times: StreamingTimes;
  /** Ends the connection in good order. @default {nothing does} */
  readonly signal?: AbortSignal | undefined;
  /** Says whether a stream is taken. It is replied to then, or else refused. */
  onStream(stream: SpdyStream): boolean;
}

const LOG = getLogger(["krustlet", "streaming"]);
/** The answer to our pings; an even number, because the peer's are odd. */
const PING_ID = 2;

/** One connection with its streams. {@linkcode run} must be called once. */
export class SpdyConnection implements StreamHost {
  readonly #socket: ByteSocket;
  readonly #options: SpdyOptions;
  readonly #reader = new FrameReader();
  readonly #inflater = new HeaderInflater();
  readonly #blocks = new EmptyHeaderBlocks();
  readonly #budget = new Budget();
  readonly #streams = new Map<number, SpdyStream>();
  readonly #heartbeat: Heartbeat;
  #lastId = 0;
  #leaving = false;
  #peerLeaves = false;

  constructor(socket: ByteSocket, options: SpdyOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#heartbeat = new Heartbeat(options.times, {
      ping: () => this.send(pingFrame(PING_ID)),
      onIdle: () => this.close(),
    });
  }

  /** Aborted when the connection is gone. */
  get closed(): AbortSignal {
    return this.#socket.closed;
  }

  /** Serves the connection until it is gone. Never rejects. */
  async run(): Promise<void> {
    const { signal } = this.#options;
    const stop = (): void => void this.close();
    const onClosed = (): void => {
      this.#budget.close();
      signal?.removeEventListener("abort", stop);
    };
    this.closed.addEventListener("abort", onClosed, { once: true });
    signal?.addEventListener("abort", stop, { once: true });
    if (signal?.aborted) stop();
    let status: number = GOAWAY_STATUS.ok;
    try {
      if (!this.closed.aborted) await this.#serve();
    } catch (error) {
      status = this.#statusOf(error);
    }
    await this.#leave(status);
  }

  /** Ends all streams and the connection; settles when it is gone. Never rejects. */
  async close(): Promise<void> {
    await this.#leave(GOAWAY_STATUS.ok);
  }

  send(frame: Uint8Array): Promise<void> {
    return this.#socket.write(frame);
  }

  forget({ id }: SpdyStream): void {
    this.#streams.delete(id);
  }

  async #serve(): Promise<void> {
    for await (const chunk of this.#socket.chunks()) {
      this.#heartbeat.alive();
      this.#heartbeat.listens(false);
      for (const frame of this.#reader.read(chunk)) {
        await this.#handle(frame);
        // After the last stream of a peer that leaves there is nothing to come.
        if (this.#leaving || (this.#peerLeaves && this.#streams.size === 0)) return;
      }
      this.#heartbeat.listens(true);
    }
  }

  async #handle(frame: Frame): Promise<void> {
    switch (frame.kind) {
      case "data":
        return await this.#receive(frame);
      case "syn_stream":
        return await this.#open(frame);
      case "syn_reply":
      case "headers": {
        // They are of no use here, but the next block leans on them.
        await this.#inflater.inflate(frame.block);
        if (frame.fin) this.#streams.get(frame.streamId)?.finish();
        return;
      }
      case "rst_stream":
        return this.#streams.get(frame.streamId)?.fail(
          new ClosedError("The peer reset the stream"),
        );
      case "ping":
        // Waiting for room bounds what a peer can make us answer without reading it.
        if (frame.id % 2 === 1) await this.send(pingFrame(frame.id));
        return;
      case "goaway":
        this.#peerLeaves = true;
        return;
      case "ignored":
        return;
    }
  }

  async #receive({ streamId, bytes, fin }: Frame & { kind: "data" }): Promise<void> {
    const stream = this.#streams.get(streamId);
    // Of a stream that was reset here, and the peer does not know yet.
    if (stream === undefined) return;
    stream.inbox.push(bytes);
    if (fin) stream.finish();
    await this.#budget.roomFor(stream.inbox);
  }

  async #open(frame: Frame & { kind: "syn_stream" }): Promise<void> {
    const { streamId: id, fin, unidirectional } = frame;
    const headers = parseHeaders(await this.#inflater.inflate(frame.block));
    if (id % 2 === 0 || id <= this.#lastId) {
      return await this.send(rstStreamFrame(id, RST_STATUS.protocolError));
    }
    this.#lastId = id;
    const inbox = new Inbox(this.#budget);
    const stream = new SpdyStream(this, { id, headers, inbox, unidirectional });
    if (this.#streams.size >= STREAMS_MAX) return await stream.reset(RST_STATUS.refusedStream);
    this.#streams.set(id, stream);
    if (!this.#options.onStream(stream)) return await stream.reset(RST_STATUS.refusedStream);
    const replied = this.send(synReplyFrame(id, this.#blocks.next()));
    if (fin) stream.finish();
    await replied;
  }

  #statusOf(error: unknown): number {
    if (error instanceof ClosedError) return GOAWAY_STATUS.ok;
    if (error instanceof ProtocolError) {
      LOG.info("Closing a connection: {error}", { error });
      return GOAWAY_STATUS.protocolError;
    }
    LOG.error("Closing a connection: {error}", { error });
    return GOAWAY_STATUS.internalError;
  }

  async #leave(status: number): Promise<void> {
    if (!this.#leaving) {
      this.#leaving = true;
      this.#heartbeat.stop();
      this.#budget.close();
      this.#inflater.close();
      const gone = new ClosedError("The connection is closed");
      for (const stream of [...this.#streams.values()]) stream.fail(gone);
      void this.send(goawayFrame(this.#lastId, status)).catch(() => {});
    }
    await this.#socket.close();
  }
}
