/**
 * What has come for a stream and was not read yet, with an eye on how much it is.
 *
 * @module
 */
import {
  CONNECTION_BUFFER_BYTES_MAX,
  PIECE_COST_BYTES,
  STREAM_BUFFER_BYTES_MAX,
} from "./limits.ts";

/** How much the streams of one connection keep together. */
export class Budget {
  #used = 0;
  #closed = false;
  #waiting: (() => void)[] = [];

  /** Bytes that are kept now, with what the pieces cost. */
  get used(): number {
    return this.#used;
  }

  /** True if nothing more should be read from the connection. */
  get full(): boolean {
    return this.#used >= CONNECTION_BUFFER_BYTES_MAX;
  }

  /** Counts bytes that are kept from now on. */
  take(bytes: number): void {
    this.#used += bytes;
  }

  /** Counts bytes that somebody has read, or that were thrown away. */
  give(bytes: number): void {
    this.#used -= bytes;
    this.#wake();
  }

  /** Settles when the stream and the connection keep less than they may, or the connection is gone. */
  async roomFor(stream: { readonly full: boolean }): Promise<void> {
    while (!this.#closed && (stream.full || this.full)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      await promise;
    }
  }

  /** Lets nobody wait any more: the connection is gone. */
  close(): void {
    this.#closed = true;
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** The bytes that come for one stream, in order. Whoever pushes waits while it is {@linkcode full}. */
export class Inbox {
  /** For whoever reads the stream. When it is cancelled, the rest is thrown away as it comes. */
  readonly readable: ReadableStream<Uint8Array>;
  readonly #budget: Budget;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #pieces: Uint8Array[] = [];
  #used = 0;
  #wanted = false;
  #state: "open" | "ending" | "over" = "open";

  constructor(budget: Budget) {
    this.#budget = budget;
    this.readable = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => {
        this.#wanted = true;
        this.#deliver();
      },
      cancel: () => this.#finish(),
    }, { highWaterMark: 0 });
  }

  /** True if this stream keeps as much as it may. */
  get full(): boolean {
    return this.#used >= STREAM_BUFFER_BYTES_MAX;
  }

  /** Keeps bytes until they are read. They are thrown away if the stream has ended, at either side. */
  push(bytes: Uint8Array): void {
    if (this.#state !== "open" || bytes.length === 0) return;
    // A small piece must not keep the large one alive that it was cut from.
    const piece = bytes.buffer.byteLength > 2 * bytes.length ? bytes.slice() : bytes;
    const cost = piece.length + PIECE_COST_BYTES;
    this.#pieces.push(piece);
    this.#used += cost;
    this.#budget.take(cost);
    this.#deliver();
  }

  /** No more will come; what has come can still be read. */
  end(): void {
    if (this.#state !== "open") return;
    this.#state = "ending";
    this.#deliver();
  }

  /** Fails whoever reads, at once. */
  fail(error: Error): void {
    if (this.#state === "over") return;
    this.#finish();
    this.#controller.error(error);
  }

  /** Throws away what was not read and what still comes; whoever reads is told the end. */
  discard(): void {
    if (this.#state !== "over") this.#close();
  }

  #deliver(): void {
    if (!this.#wanted) {
      if (this.#state === "ending" && this.#pieces.length === 0) this.#close();
      return;
    }
    const piece = this.#pieces.shift();
    if (piece === undefined) {
      if (this.#state === "ending") this.#close();
      return;
    }
    this.#wanted = false;
    const cost = piece.length + PIECE_COST_BYTES;
    this.#used -= cost;
    this.#controller.enqueue(piece);
    this.#budget.give(cost);
    if (this.#state === "ending" && this.#pieces.length === 0) this.#close();
  }

  #close(): void {
    this.#finish();
    this.#controller.close();
  }

  #finish(): void {
    this.#state = "over";
    this.#pieces = [];
    const used = this.#used;
    this.#used = 0;
    this.#budget.give(used);
  }
}
