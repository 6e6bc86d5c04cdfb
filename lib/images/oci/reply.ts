/**
 * An answer's body, with an end to every wait.
 *
 * @module
 */
import { networkFailure, PullFailure } from "./failure.ts";
import { READ_BYTES, SLOW_BYTES_MIN, SLOW_MS } from "./limits.ts";

/** The head of an answer, and its body for whoever wants it. Read it or `discard` it. */
export interface Reply {
  /** The HTTP status. */
  readonly status: number;
  /** All headers. */
  readonly headers: Headers;
  /** Where the answer is from, after redirects. */
  readonly url: URL;
  /**
   * The body piece by piece; a piece is good only until the next one is asked for.
   *
   * Throws a `PullFailure` if it breaks off, stalls or trickles.
   */
  chunks(): AsyncGenerator<Uint8Array<ArrayBuffer>>;
  /** The whole body. Throws a `PullFailure` if it is longer than `bytesMax`, which names `what` it is. */
  bytes(bytesMax: number, what?: string): Promise<Uint8Array<ArrayBuffer>>;
  /** Gives up the body, and with it the connection. */
  discard(): Promise<void>;
}

type Bytes = Uint8Array<ArrayBuffer>;

/** Time limits of a body. */
export interface ReplyLimits {
  /** Milliseconds without a byte. */
  readonly idleMs: number;
  /** Milliseconds of waiting within which `SLOW_BYTES_MIN` must come. @default {SLOW_MS} */
  readonly slowMs?: number | undefined;
}

/** A reply over a `Response`. */
export class StreamedReply implements Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly url: URL;
  readonly #body: ReadableStream<Bytes> | null;
  readonly #stop: AbortController;
  readonly #signal: AbortSignal;
  readonly #limits: ReplyLimits;
  #windowMs = 0;
  #windowBytes = 0;

  /** `stop` ends the request; `signal` is that of `stop` and of the caller. */
  constructor(response: Response, options: {
    readonly stop: AbortController;
    readonly signal: AbortSignal;
    readonly url: URL;
    readonly limits: ReplyLimits;
  }) {
    this.status = response.status;
    this.headers = response.headers;
    this.url = options.url;
    this.#body = response.body;
    this.#stop = options.stop;
    this.#signal = options.signal;
    this.#limits = options.limits;
  }

  async *chunks(): AsyncGenerator<Bytes> {
    if (this.#body === null) return;
    const reader = this.#reader(this.#body);
    try {
      for (let room = new ArrayBuffer(READ_BYTES);;) {
        const { done, value } = await this.#read(reader, new Uint8Array(room));
        if (done) return;
        yield value;
        room = value.buffer;
      }
    } finally {
      // Also when the consumer has seen enough: the connection is then of no more use.
      await reader.cancel().catch(() => {});
    }
  }

  async bytes(bytesMax: number, what = "this"): Promise<Bytes> {
    if (this.#body === null) return new Uint8Array();
    const said = Number(this.headers.get("content-length") ?? NaN);
    // One byte more than there may be: the read that fills it is the one too many.
    let room = new ArrayBuffer(Math.min(said >= 0 ? said : READ_BYTES, bytesMax) + 1);
    const reader = this.#reader(this.#body);
    try {
      for (let length = 0;;) {
        const { done, value } = await this.#read(reader, new Uint8Array(room, length));
        // Reading takes the room away and gives it back, at the end as well.
        room = value!.buffer;
        if (done) return new Uint8Array(room, 0, length);
        length += value.length;
        if (length > bytesMax) {
          throw new PullFailure(
            `host "${this.url.host}" sent more than ${bytesMax} bytes, the limit for ${what}; make ` +
              `it smaller`,
          );
        }
        if (length === room.byteLength) room = grown(room, bytesMax + 1);
      }
    } finally {
      await reader.cancel().catch(() => {});
    }
  }

  async discard(): Promise<void> {
    await this.#body?.cancel().catch(() => {});
  }

  #reader(body: ReadableStream<Bytes>): ReadableStreamBYOBReader {
    const reader = body.getReader({ mode: "byob" });
    // The runtime does so only as long as nobody has collected its `Response`.
    this.#signal.addEventListener("abort", () => void reader.cancel().catch(() => {}));
    return reader;
  }

  async #read(
    reader: ReadableStreamBYOBReader,
    room: Bytes,
  ): Promise<ReadableStreamReadResult<Bytes>> {
    const { idleMs } = this.#limits;
    const timer = setTimeout(() => this.#stop.abort(silence(this.url.host, idleMs)), idleMs);
    const fromMs = performance.now();
    try {
      const result = await reader.read(room);
      this.#signal.throwIfAborted();
      if (!result.done) this.#watchSpeed(performance.now() - fromMs, result.value.length);
      return result;
    } catch (error) {
      if (error instanceof PullFailure) throw error;
      this.#signal.throwIfAborted();
      throw networkFailure(error, {
        host: this.url.host,
        secure: this.url.protocol === "https:",
      });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Counts only the time that was spent waiting: a slow disk is not the peer's fault. */
  #watchSpeed(waitedMs: number, bytes: number): void {
    const { slowMs = SLOW_MS } = this.#limits;
    this.#windowMs += waitedMs;
    this.#windowBytes += bytes;
    if (this.#windowMs < slowMs) return;
    if (this.#windowBytes < SLOW_BYTES_MIN) {
      const state = `host "${this.url.host}" trickles: ${this.#windowBytes} bytes in ${
        Math.round(this.#windowMs / 1000)
      } s; is it overloaded, or the way there?`;
      throw new PullFailure(state, { retry: true, unavailable: true });
    }
    this.#windowMs = 0;
    this.#windowBytes = 0;
  }
}

/** The failure of a peer that sent nothing for so long. */
export function silence(host: string, ms: number): PullFailure {
  return new PullFailure(
    `host "${host}" was silent for ${ms / 1000} s; is it overloaded, or is a firewall in between?`,
    { retry: true, unavailable: true },
  );
}

function grown(room: ArrayBuffer, bytesMax: number): ArrayBuffer {
  return room.transfer(Math.min(room.byteLength * 2, bytesMax));
}
