import { QUESTION_BYTES_MAX } from "../limits.ts";

const LINE_END = 10;

/** Takes what comes over a connection apart into lines. */
export class Lines {
  readonly #source: { read(into: Uint8Array): Promise<number | null> };
  readonly #buffer: Uint8Array;
  #start = 0;
  #end = 0;

  /** A line has `bytesMax` bytes at most, {@linkcode QUESTION_BYTES_MAX} by default. */
  constructor(
    source: { read(into: Uint8Array): Promise<number | null> },
    { bytesMax = QUESTION_BYTES_MAX } = {},
  ) {
    this.#source = source;
    this.#buffer = new Uint8Array(bytesMax);
  }

  /** The next line without its end; `undefined` once there is none, or it is too long. Nothing is read ahead of it. */
  async next(): Promise<string | undefined> {
    for (let searched = this.#start;;) {
      const found = this.#buffer.subarray(0, this.#end).indexOf(LINE_END, searched);
      if (found >= 0) {
        const line = new TextDecoder().decode(this.#buffer.subarray(this.#start, found));
        this.#start = found + 1;
        return line;
      }
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
      searched = this.#end;
      if (this.#end === this.#buffer.length) return undefined;
      const count = await this.#source.read(this.#buffer.subarray(this.#end));
      if (count === null) return undefined;
      this.#end += count;
    }
  }
}
