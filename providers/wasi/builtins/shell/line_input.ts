import { joined } from "../lines.ts";
import type { Bytes, Source } from "../streams.ts";
import { SCRIPT_CHARS_MAX } from "./parser.ts";

const NEWLINE = 10;

/**
 * Standard input of a shell: it takes lines, and leaves all behind them to the programs that it starts, as
 * if each line had been read byte by byte.
 */
export class LineInput implements Source {
  readonly #source: Source;
  #rest: Bytes = new Uint8Array(0);

  constructor(source: Source) {
    this.#source = source;
  }

  /** The next line without its end; `undefined` at the end. A line that is too long comes in pieces. */
  async line(): Promise<string | undefined> {
    const parts: Bytes[] = [];
    let length = 0;
    while (length < SCRIPT_CHARS_MAX) {
      if (this.#rest.length === 0) this.#rest = (await this.#source.read())?.slice() ?? this.#rest;
      if (this.#rest.length === 0) {
        if (length === 0) return undefined;
        break;
      }
      const end = this.#rest.indexOf(NEWLINE);
      const piece = end < 0 ? this.#rest : this.#rest.subarray(0, end);
      parts.push(piece);
      length += piece.length;
      this.#rest = this.#rest.subarray(end < 0 ? piece.length : end + 1);
      if (end >= 0) break;
    }
    return new TextDecoder().decode(joined(parts, length));
  }

  async read(): Promise<Bytes | undefined> {
    if (this.#rest.length === 0) return await this.#source.read();
    const rest = this.#rest;
    this.#rest = new Uint8Array(0);
    return rest;
  }

  close(): void {
    this.#source.close();
  }
}
