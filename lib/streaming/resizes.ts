/**
 * The sizes of a terminal, as they come.
 *
 * @module
 */
import { RESIZE_CHARS_MAX } from "./limits.ts";
import type { TerminalSize } from "./session.ts";

/** Keeps the newest size until somebody asks. The older ones are of no use to anybody. */
export class Resizes implements AsyncIterable<TerminalSize> {
  readonly #decoder = new TextDecoder();
  #text = "";
  #newest: TerminalSize | undefined;
  #ended = false;
  #wake: (() => void) | undefined;

  /**
   * Takes the next bytes of a series of JSON objects `{"Width":80,"Height":24}`. Something else ends
   * the series.
   */
  push(bytes: Uint8Array): void {
    if (this.#ended) return;
    this.#text += this.#decoder.decode(bytes, { stream: true });
    for (let end = this.#text.indexOf("}"); end >= 0; end = this.#text.indexOf("}")) {
      const size = parseSize(this.#text.slice(0, end + 1));
      if (size === undefined) return this.end();
      this.#text = this.#text.slice(end + 1);
      this.#newest = size;
    }
    if (this.#text.length > RESIZE_CHARS_MAX) return this.end();
    this.#wake?.();
  }

  /** No more will come. */
  end(): void {
    this.#ended = true;
    this.#text = "";
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TerminalSize> {
    while (true) {
      const size = this.#newest;
      this.#newest = undefined;
      if (size !== undefined) {
        yield size;
      } else if (this.#ended) {
        return;
      } else {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        await promise;
        this.#wake = undefined;
      }
    }
  }
}

/** `undefined` for anything but an object with two numbers of 16 bits. */
function parseSize(text: string): TerminalSize | undefined {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof read !== "object" || read === null) return undefined;
  // Go's own reader does not look at the case of names.
  const fields = new Map(Object.entries(read).map(([name, value]) => [name.toLowerCase(), value]));
  const [width, height] = [fields.get("width"), fields.get("height")];
  return isSize(width) && isSize(height) ? { width, height } : undefined;
}

function isSize(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 0xffff;
}
