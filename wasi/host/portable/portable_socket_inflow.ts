import { ERRNO } from "../../errno.ts";
import { SOCKET_BYTES_MAX, SOCKET_BYTES_MIN } from "../../limits.ts";
import type { Answer } from "../host.ts";
import { type Changes, type Ready, scatter } from "./portable_socket.ts";
import { socketRefusal } from "./portable_socket_error.ts";

/** Where bytes come from. */
export interface Source {
  /** Waits for bytes and answers how many; null is the end. */
  read(into: Uint8Array): Promise<number | null>;
}

/**
 * The incoming half of a connection. It reads ahead once when somebody wants to know, and not again
 * before that is used up: what a guest does not take stays with the system and its peer.
 */
export class Inflow {
  readonly #source: Source;
  readonly #changes: Changes;
  #buffer = new Uint8Array(SOCKET_BYTES_MIN);
  #begin = 0;
  #end = 0;
  #reading = false;
  #ended = false;
  #refusal = 0;

  constructor(source: Source, changes: Changes) {
    this.#source = source;
    this.#changes = changes;
  }

  /** Nothing comes after what is there. */
  get ended(): boolean {
    return this.#ended;
  }

  /** What there is to tell; if nothing, reads ahead. */
  readiness(): Omit<Ready, "hangup"> | undefined {
    const bytes = this.#end - this.#begin;
    if (bytes > 0 || this.#ended || this.#refusal < 0) {
      return { errno: ERRNO.success, bytes: BigInt(bytes) };
    }
    this.#readAhead();
    return undefined;
  }

  /** Fills the buffers, `skip` bytes into them, with what is there: `again` for nothing, 0 at the end. */
  take(into: readonly Uint8Array[], { skip, peek }: { skip: number; peek: boolean }): Answer {
    if (this.#begin < this.#end) {
      const count = scatter(this.#buffer.subarray(this.#begin, this.#end), { into, skip });
      if (!peek) this.#begin += count;
      return count;
    }
    if (this.#refusal < 0) return this.#tell();
    if (this.#ended) return 0;
    this.#readAhead();
    return -ERRNO.again;
  }

  /** Ends it after what is there. */
  end(): void {
    this.#ended = true;
    this.#changes.wake();
  }

  /** What went wrong is told once; after that there is only the end. */
  #tell(): Answer {
    const refusal = this.#refusal;
    this.#refusal = 0;
    this.#ended = true;
    return refusal;
  }

  #readAhead(): void {
    if (!this.#reading) void this.#read();
  }

  async #read(): Promise<void> {
    this.#reading = true;
    if (this.#end === this.#buffer.length && this.#end < SOCKET_BYTES_MAX) {
      this.#buffer = new Uint8Array(2 * this.#end); // the last read filled it
    }
    this.#begin = this.#end = 0;
    try {
      const count = await this.#source.read(this.#buffer);
      if (count === null) this.#ended = true;
      else if (!this.#ended) this.#end = count;
    } catch (error) {
      this.#refusal = socketRefusal(error);
    }
    this.#reading = false;
    this.#changes.wake();
  }
}
