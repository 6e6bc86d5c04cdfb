/**
 * A container's standard input: from whoever is attached.
 *
 * @module
 */

/** How {@linkcode ContainerInput} ends. */
export interface ContainerInputOptions {
  /** `stdinOnce`: the end of the first who attached is the end of the input. */
  readonly once: boolean;
}

/**
 * Pieces that are held for a guest that reads nothing, of clients that are attached or have gone; a piece is
 * what came at once.
 */
export const PIECES_MAX = 16;

/** Joins what those who are attached type, one piece after the other; one piece of each client at a time. */
export class ContainerInput {
  /** What the guest reads. */
  readonly readable: ReadableStream<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #once: boolean;
  #held = 0;

  constructor({ once }: ContainerInputOptions) {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    this.readable = readable;
    this.#writer = writable.getWriter();
    this.#writer.closed.catch(() => {}); // the guest has gone, which others tell
    this.#once = once;
  }

  /**
   * Passes on what one client types, no faster than the guest reads. Settles when the client's end has
   * come, or the guest's; never rejects. A client that goes before its end has ended as well.
   */
  async take(client: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      // What is held outlives its client: without an end to it, each who comes and goes would add to it.
      if (this.#held >= PIECES_MAX) await this.#writer.ready;
      for await (const bytes of client) await this.#pass(bytes);
    } catch {
      // The client broke off, or the guest reads no more.
    }
    if (this.#once) this.close();
  }

  async #pass(bytes: Uint8Array): Promise<void> {
    this.#held++;
    try {
      await this.#writer.write(bytes);
    } finally {
      this.#held--;
    }
  }

  /** The guest's input ends. */
  close(): void {
    this.#writer.close().catch(() => {}); // it has ended before
  }
}
