import { WORD_BYTES_MAX } from "./limits.ts";
import { type OutputHead, parseWord, type Word } from "./protocol.ts";

const LINE_END = 10;

/**
 * Takes what a guest process writes to its agent apart: lines, and the bytes that some of them announce.
 * Lines that are no word, or too long, are passed over.
 */
export class WordReader {
  readonly #line = new Uint8Array(WORD_BYTES_MAX);
  #length = 0;
  #tooLong = false;
  #head: OutputHead | undefined;
  #left = 0;

  /** The words that these bytes complete. Outputs are views of them, good until the next call. */
  *feed(bytes: Uint8Array): Generator<Word, void> {
    for (let at = 0; at < bytes.length;) {
      if (this.#head !== undefined) {
        const piece = bytes.subarray(at, at + this.#left);
        at += piece.length;
        this.#left -= piece.length;
        const { stream } = this.#head;
        if (this.#left === 0) this.#head = undefined;
        yield { word: "output", stream, bytes: piece };
        continue;
      }
      const end = bytes.indexOf(LINE_END, at);
      this.#keep(bytes.subarray(at, end < 0 ? bytes.length : end));
      if (end < 0) return;
      at = end + 1;
      const word = this.#word();
      if (word === undefined) continue;
      if (word.word !== "output") yield word;
      else if (word.length > 0) [this.#head, this.#left] = [word, word.length];
    }
  }

  #keep(piece: Uint8Array): void {
    this.#tooLong ||= this.#length + piece.length > this.#line.length;
    if (this.#tooLong) return;
    this.#line.set(piece, this.#length);
    this.#length += piece.length;
  }

  #word(): ReturnType<typeof parseWord> {
    const line = this.#line.subarray(0, this.#length);
    const tooLong = this.#tooLong;
    [this.#length, this.#tooLong] = [0, false];
    return tooLong ? undefined : parseWord(new TextDecoder().decode(line));
  }
}
