/**
 * Reading the binary format of WebAssembly, which nobody vouches for.
 *
 * @module
 */
import { PullFailure } from "../oci/failure.ts";

/** Bytes of a LEB128 number of 64 bits. */
const LEB_BYTES_MAX = 10;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Goes through bytes from the front. Throws a `PullFailure` for what is not there. */
export class WasmCursor {
  readonly #bytes: Uint8Array;
  #at = 0;

  /** Begins at the first byte. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Bytes that were read. */
  get at(): number {
    return this.#at;
  }

  /** One byte. */
  byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw broken("it ends in the middle of a part");
    return byte;
  }

  /** An unsigned LEB128 number of 32 bits. */
  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        if (value > 0xffff_ffff) break;
        return value;
      }
    }
    throw broken("a number has more than 32 bits");
  }

  /** Passes any LEB128 number, as the index or the type that it is. */
  passNumber(): void {
    for (let count = 0; count < LEB_BYTES_MAX; count++) if (this.byte() < 0x80) return;
    throw broken("a number has more than 64 bits");
  }

  /** A name: its length, and UTF-8. */
  name(): string {
    const length = this.u32();
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    if (bytes.length < length) throw broken("it ends in the middle of a name");
    this.#at += length;
    try {
      return decoder.decode(bytes);
    } catch (cause) {
      throw new PullFailure("it is not valid WebAssembly: a name is not UTF-8", { cause });
    }
  }
}

/** The failure of a file that begins like WebAssembly and is none. */
export function broken(state: string): PullFailure {
  return new PullFailure(`it is not valid WebAssembly: ${state}`);
}
