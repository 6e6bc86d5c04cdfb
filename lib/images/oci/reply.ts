/**
 * An answer's body, with an end to every wait.
 *
 * @module
 */
import { networkFailure, PullFailure } from "./failure.ts";

/** The head of an answer, and its body for whoever wants it. Read it or `discard` it. */
export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  /** The body piece by piece. Throws a `PullFailure` if it breaks off or stalls. */
  chunks(): AsyncGenerator<Uint8Array<ArrayBuffer>>;
  /** The whole body. Throws a `PullFailure` if it is longer than `bytesMax`. */
  bytes(bytesMax: number): Promise<Uint8Array<ArrayBuffer>>;
  discard(): Promise<void>;
}

/** A reply over a `Response`, which stops when its peer is silent for `idleMs`. */
export class StreamedReply implements Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly #body: ReadableStream<Uint8Array<ArrayBuffer>> | null;
  readonly #stop: AbortController;
  readonly #signal: AbortSignal;
  readonly #peer: { readonly host: string; readonly secure: boolean };
  readonly #idleMs: number;

  constructor(response: Response, options: {
    readonly stop: AbortController;
    readonly signal: AbortSignal;
    readonly peer: { readonly host: string; readonly secure: boolean };
    readonly idleMs: number;
  }) {
    this.status = response.status;
    this.headers = response.headers;
    this.#body = response.body;
    this.#stop = options.stop;
    this.#signal = options.signal;
    this.#peer = options.peer;
    this.#idleMs = options.idleMs;
  }

  async *chunks(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    if (this.#body === null) return;
    const reader = this.#body.getReader();
    try {
      for (;;) {
        const { done, value } = await this.#read(reader);
        if (done) return;
        yield value;
      }
    } finally {
      // Also when the consumer has seen enough: the connection is then of no more use.
      await reader.cancel().catch(() => {});
    }
  }

  async bytes(bytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    let length = 0;
    for await (const piece of this.chunks()) {
      length += piece.length;
      if (length > bytesMax) {
        throw new PullFailure(`host "${this.#peer.host}" sent more than ${bytesMax} bytes`);
      }
      pieces.push(piece);
    }
    const whole = new Uint8Array(length);
    let at = 0;
    for (const piece of pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }

  async discard(): Promise<void> {
    await this.#body?.cancel().catch(() => {});
  }

  async #read(
    reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
  ): Promise<ReadableStreamReadResult<Uint8Array<ArrayBuffer>>> {
    const idle = silence(this.#peer.host, this.#idleMs);
    const timer = setTimeout(() => this.#stop.abort(idle), this.#idleMs);
    try {
      return await reader.read();
    } catch (error) {
      this.#signal.throwIfAborted();
      throw networkFailure(error, this.#peer);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The failure of a peer that sent nothing for so long. */
export function silence(host: string, ms: number): PullFailure {
  return new PullFailure(`host "${host}" was silent for ${ms / 1000} s`, { retry: true });
}
