/**
 * One stream of a SPDY connection, as whoever serves it sees it.
 *
 * @module
 */
import { DATA_FRAME_BYTES_MAX } from "../limits.ts";
import type { Inbox } from "../inbox.ts";
import { ClosedError, type Output } from "../session.ts";
import { dataFrame, RST_STATUS, rstStreamFrame } from "./frames.ts";
import type { Headers } from "./headers.ts";

/** What a stream needs of its connection. */
export interface StreamHost {
  /** Sends a frame, as `ByteSocket.write` does. */
  send(frame: Uint8Array): Promise<void>;
  /** The stream is over in both directions. */
  forget(stream: SpdyStream): void;
}

/** A stream that the peer has opened. */
export class SpdyStream implements Output {
  readonly id: number;
  readonly headers: Headers;
  /** What comes over the stream. */
  readonly inbox: Inbox;
  readonly #host: StreamHost;
  readonly #closed = new AbortController();
  #writable: WritableStream<Uint8Array> | undefined;
  #sending: boolean;
  #receiving = true;

  constructor(
    host: StreamHost,
    options: { id: number; headers: Headers; inbox: Inbox; unidirectional: boolean },
  ) {
    this.#host = host;
    this.id = options.id;
    this.headers = options.headers;
    this.inbox = options.inbox;
    this.#sending = !options.unidirectional;
  }

  /** Aborted when the stream is over in both directions. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** What the peer sends. */
  get readable(): ReadableStream<Uint8Array> {
    return this.inbox.readable;
  }

  /** For whoever writes to the stream as to any other; it fails when the stream is reset. */
  get writable(): WritableStream<Uint8Array> {
    return this.#writable ??= new WritableStream<Uint8Array>({
      start: (controller) => {
        const onClosed = (): void => controller.error(new ClosedError("The stream is closed"));
        this.closed.addEventListener("abort", onClosed, { once: true });
      },
      write: (bytes) => this.write(bytes),
      close: () => this.end(),
      abort: () => this.reset(),
    });
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += DATA_FRAME_BYTES_MAX) {
      if (!this.#sending) throw new ClosedError("Cannot write to stream: it is closed");
      await this.#host.send(dataFrame(this.id, bytes.subarray(at, at + DATA_FRAME_BYTES_MAX)));
    }
  }

  /** Sends nothing more; what was written comes before. Never rejects. */
  async end(): Promise<void> {
    if (!this.#sending) return;
    const sent = this.#host.send(dataFrame(this.id, NOTHING, true));
    this.#sending = false;
    this.#forgetIfOver();
    await sent.catch(() => {});
  }

  /** Ends both directions at once, and tells the peer. Never rejects. */
  async reset(status: number = RST_STATUS.cancel): Promise<void> {
    if (!this.#sending && !this.#receiving) return;
    const sent = this.#host.send(rstStreamFrame(this.id, status));
    this.fail(new ClosedError("The stream was reset"));
    await sent.catch(() => {});
  }

  /** The peer sends nothing more. For the connection. */
  finish(): void {
    this.inbox.end();
    this.#receiving = false;
    this.#forgetIfOver();
  }

  /** The peer has reset the stream, or is gone. For the connection. */
  fail(error: Error): void {
    this.inbox.fail(error);
    this.#sending = false;
    this.#receiving = false;
    this.#forgetIfOver();
  }

  #forgetIfOver(): void {
    if (this.#sending || this.#receiving || this.closed.aborted) return;
    this.#closed.abort();
    this.#host.forget(this);
  }
}

const NOTHING = new Uint8Array(0);
