import { PullFailure } from "../../oci/failure.ts";

/** Bytes that come in pieces of any size, taken in pieces of the reader's size. */
export class ByteSource {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #piece: Uint8Array = new Uint8Array(0);

  /** Pulls from `pieces` only what is asked for. */
  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** The next 1 to `max` bytes, which are only valid until the next call; undefined at the end. */
  async some(max: number): Promise<Uint8Array | undefined> {
    while (this.#piece.length === 0) {
      const { done, value } = await this.#pieces.next();
      if (done) return undefined;
      this.#piece = value;
    }
    const taken = this.#piece.subarray(0, max);
    this.#piece = this.#piece.subarray(taken.length);
    return taken;
  }

  /** A copy of the next bytes, up to `length` of them, which stay to be taken. */
  async peek(length: number): Promise<Uint8Array> {
    const head: number[] = [];
    while (head.length < length) {
      const some = await this.some(length - head.length);
      if (some === undefined) break;
      head.push(...some);
    }
    const whole = new Uint8Array(head.length + this.#piece.length);
    whole.set(head);
    whole.set(this.#piece, head.length);
    this.#piece = whole;
    return whole.slice(0, head.length);
  }

  /**
   * A copy of exactly so many bytes; undefined if there is none left. Throws a `PullFailure` if the
   * bytes end in between.
   */
  async exactly(length: number): Promise<Uint8Array | undefined> {
    const bytes = new Uint8Array(length);
    let at = 0;
    while (at < length) {
      const some = await this.some(length - at);
      if (some === undefined && at === 0) return undefined;
      if (some === undefined) throw endsEarly();
      bytes.set(some, at);
      at += some.length;
    }
    return bytes;
  }

  /** Passes over so many bytes. Throws a `PullFailure` if there are fewer. */
  async pass(length: number): Promise<void> {
    for (let left = length; left > 0;) {
      const some = await this.some(left);
      if (some === undefined) throw endsEarly();
      left -= some.length;
    }
  }

  /** Gives up the rest. */
  async close(): Promise<void> {
    await this.#pieces.return?.();
  }
}

/** The failure of an archive that is cut off. */
export function endsEarly(): PullFailure {
  return new PullFailure(
    "one of its layers is cut off: its tar archive ends in the middle; build it again",
  );
}
