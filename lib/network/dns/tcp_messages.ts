/**
 * Messages over TCP: each behind its length in two bytes (RFC 1035, 4.2.2).
 *
 * @module
 */

/** A message with its length in front. */
export function withLength(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(2 + message.length);
  new DataView(bytes.buffer).setUint16(0, message.length);
  bytes.set(message, 2);
  return bytes;
}

/** Makes messages of the pieces in which they come. */
export class MessageSplitter {
  readonly #max: number;
  #bytes = new Uint8Array(0);
  #broken = false;

  /** Messages have at most `max` bytes. */
  constructor(max: number) {
    this.#max = max;
  }

  /** True once a longer one was announced: nothing can be read any more. */
  get broken(): boolean {
    return this.#broken;
  }

  /** The messages that are whole now. */
  push(chunk: Uint8Array): Uint8Array[] {
    if (this.#broken) return [];
    const all = new Uint8Array(this.#bytes.length + chunk.length);
    all.set(this.#bytes);
    all.set(chunk, this.#bytes.length);
    const found: Uint8Array[] = [];
    let at = 0;
    while (at + 2 <= all.length) {
      const length = all[at]! << 8 | all[at + 1]!;
      if (length > this.#max) {
        this.#broken = true;
        break;
      }
      if (at + 2 + length > all.length) break;
      found.push(all.slice(at + 2, at + 2 + length));
      at += 2 + length;
    }
    this.#bytes = this.#broken ? new Uint8Array(0) : all.slice(at);
    return found;
  }
}
