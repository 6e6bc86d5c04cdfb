/**
 * A connection as bytes in both directions, with nothing kept that nobody asked for.
 *
 * @module
 */
import type { Duplex } from "node:stream";
import { ClosedError } from "./session.ts";
import { open, shut } from "./tap.ts";

/** Bytes to and from a peer. */
export interface ByteSocket {
  /** Aborted when the connection is gone. */
  readonly closed: AbortSignal;
  /** What the peer sends, until it ends or is gone; for one reader. Nothing is read in between. */
  chunks(): AsyncIterable<Uint8Array>;
  /**
   * Sends bytes, which are not copied. Settles when there is room for more; rejects with a
   * {@linkcode ClosedError} if the connection is gone.
   */
  write(bytes: Uint8Array): Promise<void>;
  /** Closes after what was written, and waits for that; not for long. Never rejects. */
  close(): Promise<void>;
}

/** A {@linkcode ByteSocket} over a socket that a HTTP server has upgraded. */
export class UpgradedSocket implements ByteSocket {
  readonly #socket: Duplex;
  readonly #lingerMs: number;
  readonly #closed = new AbortController();
  readonly #kept: Uint8Array[] = [];
  #ended = false;
  #wake: (() => void) | undefined;

  /** `head` is what came with the request. */
  constructor(socket: Duplex, options: { head: Uint8Array; lingerMs: number }) {
    this.#socket = socket;
    this.#lingerMs = options.lingerMs;
    if (options.head.length > 0) this.#kept.push(options.head);
    socket.on("data", (chunk: Uint8Array) => {
      this.#kept.push(chunk);
      shut(socket);
      this.#wake?.();
    });
    shut(socket);
    // Whatever it says, "close" follows.
    socket.on("error", () => socket.destroy());
    socket.on("end", () => this.#end());
    socket.on("close", () => this.#gone());
    if (socket.destroyed) this.#gone();
  }

  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  async *chunks(): AsyncGenerator<Uint8Array> {
    while (true) {
      const chunk = this.#kept.shift();
      if (chunk !== undefined) {
        yield chunk;
        continue;
      }
      if (this.#ended) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      open(this.#socket);
      await promise;
      this.#wake = undefined;
    }
  }

  write(bytes: Uint8Array): Promise<void> {
    if (!this.#socket.writable) return Promise.reject(new ClosedError("The peer has gone"));
    if (this.#socket.write(bytes)) return Promise.resolve();
    return drained(this.#socket);
  }

  async close(): Promise<void> {
    if (this.closed.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed.addEventListener("abort", () => resolve(), { once: true });
    const timer = setTimeout(() => this.#socket.destroy(), this.#lingerMs);
    this.#socket.end();
    // What the peer still sends is of no use, and would keep its end from being seen.
    open(this.#socket);
    await promise;
    clearTimeout(timer);
  }

  #end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  #gone(): void {
    this.#end();
    this.#closed.abort(new ClosedError("The peer has gone"));
  }
}

/** Who waits for room waits together: as many may write to one socket as it has streams. */
const draining = new WeakMap<Duplex, Promise<void>>();

/** Settles when a socket has room for more; rejects with a {@linkcode ClosedError} if it is gone. */
export function drained(socket: Duplex): Promise<void> {
  if (socket.destroyed) return Promise.reject(new ClosedError("The peer has gone"));
  if (!socket.writableNeedDrain) return Promise.resolve();
  const known = draining.get(socket);
  if (known !== undefined) return known;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const settle = (): void => {
    draining.delete(socket);
    socket.off("drain", onDrain);
    socket.off("close", onClose);
  };
  const onDrain = (): void => {
    settle();
    resolve();
  };
  const onClose = (): void => {
    settle();
    reject(new ClosedError("The peer has gone"));
  };
  socket.once("drain", onDrain);
  socket.once("close", onClose);
  draining.set(socket, promise);
  return promise;
}
