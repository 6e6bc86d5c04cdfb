import { Trouble } from "./call.ts";
import { joined } from "./lines.ts";
import type { Bytes, Source } from "./streams.ts";

/** Reads a source in pieces of a length that is known before. */
export class ByteReader {
  readonly #source: Source;
  #rest: Bytes = new Uint8Array(0);
  #position = 0;

  constructor(source: Source) {
    this.#source = source;
  }

  /** Bytes that were taken so far. */
  get position(): number {
    return this.#position;
  }

  /** So many bytes, which are the caller's; `undefined` right at the end. Throws in the midst of them. */
  async take(count: number): Promise<Bytes | undefined> {
    const parts: Bytes[] = [];
    let length = 0;
    while (length < count) {
      const piece = await this.#next(count - length);
      if (piece === undefined && length === 0) return undefined;
      if (piece === undefined) throw endedEarly();
      parts.push(piece.slice());
      length += piece.length;
    }
    return joined(parts, length);
  }

  /** Passes so many bytes on, each piece good during the call. Throws if the source ends before. */
  async pass(count: number, take: (bytes: Bytes) => void): Promise<void> {
    for (let left = count; left > 0;) {
      const piece = await this.#next(left);
      if (piece === undefined) throw endedEarly();
      take(piece);
      left -= piece.length;
    }
  }

  /** Passes over so many bytes. */
  async passOver(count: number): Promise<void> {
    await this.pass(count, () => {});
  }

  /** Reads to the end. */
  async drain(): Promise<void> {
    while (await this.#next(Infinity) !== undefined);
  }

  async #next(bytesMax: number): Promise<Bytes | undefined> {
    if (this.#rest.length === 0) {
      const bytes = await this.#source.read();
      if (bytes === undefined) return undefined;
      this.#rest = bytes;
    }
    const piece = this.#rest.subarray(0, Math.min(bytesMax, this.#rest.length));
    this.#rest = this.#rest.subarray(piece.length);
    this.#position += piece.length;
    return piece;
  }
}

function endedEarly(): Trouble {
  return new Trouble("Unexpected end of archive", 2);
}
