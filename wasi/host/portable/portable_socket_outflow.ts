import { ERRNO } from "../../errno.ts";
import { SOCKET_BYTES_MAX, SOCKET_BYTES_MIN } from "../../limits.ts";
import type { Answer } from "../host.ts";
import type { Changes } from "./portable_socket.ts";
import { socketRefusal } from "./portable_socket_error.ts";

/** Where bytes go. */
export interface Sink {
  /** Writes some of the bytes and answers how many. */
  write(from: Uint8Array): Promise<number>;
  /** Tells the other side that nothing follows. */
  closeWrite(): Promise<void>;
}

/**
 * The outgoing half of a connection. It takes bytes and sends them on its own; while some are on their
 * way it takes as many as fit into its buffer, and no more.
 */
export class Outflow {
  readonly #sink: Sink;
  readonly #changes: Changes;
  /** What was taken and is not on its way yet. */
  #taken = new Uint8Array(SOCKET_BYTES_MIN);
  #bytes = 0;
  /** Takes turns with the other buffer. */
  #sent = new Uint8Array(SOCKET_BYTES_MIN);
  #sending: Promise<void> | undefined;
  #finished = false;
  #refusal = 0;

  constructor(sink: Sink, changes: Changes) {
    this.#sink = sink;
    this.#changes = changes;
  }

  /** It would take bytes, or refuse them. */
  get ready(): boolean {
    return this.#bytes < SOCKET_BYTES_MAX || this.#refusal < 0;
  }

  /** Nothing can be sent any more. */
  get ended(): boolean {
    return this.#finished || this.#refusal < 0;
  }

  /** Settles when all is sent, or cannot be; undefined if nothing is on its way. */
  get sending(): Promise<void> | undefined {
    return this.#sending;
  }

  /** Bytes wait for others that are on their way. */
  get waits(): boolean {
    return this.#bytes > 0;
  }

  /** Takes bytes from the buffers, from an offset into them on; `again` if it is full. */
  give(from: readonly Uint8Array[], skip: number): Answer {
    if (this.#refusal < 0) return this.#tell();
    if (this.#finished) return -ERRNO.pipe;
    if (this.#bytes === SOCKET_BYTES_MAX) return -ERRNO.again;
    const count = this.#append(from, skip);
    if (count > 0) this.#send();
    return count;
  }

  /** Sends what was taken, and then the end. */
  finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    if (this.#refusal === 0) this.#send();
  }

  /** What went wrong is told once; after that it is a broken pipe. */
  #tell(): Answer {
    const refusal = this.#refusal;
    this.#refusal = -ERRNO.pipe;
    return refusal;
  }

  #append(from: readonly Uint8Array[], skip: number): number {
    const before = this.#bytes;
    for (const view of from) {
      const begin = Math.min(skip, view.length);
      skip -= begin;
      const part = view.subarray(begin, begin + SOCKET_BYTES_MAX - this.#bytes);
      this.#grow(this.#bytes + part.length);
      this.#taken.set(part, this.#bytes);
      this.#bytes += part.length;
    }
    return this.#bytes - before;
  }

  #grow(bytes: number): void {
    if (bytes <= this.#taken.length) return;
    const grown = new Uint8Array(Math.min(SOCKET_BYTES_MAX, 2 * bytes));
    grown.set(this.#taken.subarray(0, this.#bytes));
    this.#taken = grown;
  }

  #send(): void {
    this.#sending ??= this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    try {
      while (this.#bytes > 0) await this.#sendTaken();
      if (this.#finished) await this.#sink.closeWrite();
    } catch (error) {
      this.#refusal = socketRefusal(error);
      this.#bytes = 0;
    }
    this.#sending = undefined;
    this.#changes.wake();
  }

  async #sendTaken(): Promise<void> {
    const chunk = this.#taken.subarray(0, this.#bytes);
    [this.#taken, this.#sent] = [this.#sent, this.#taken];
    this.#bytes = 0;
    for (let at = 0; at < chunk.length;) at += await this.#sink.write(chunk.subarray(at));
    this.#changes.wake();
  }
}
