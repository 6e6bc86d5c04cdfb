/** Bytes that do not follow the binary format where it was read; says at which offset. */
export class MalformedError extends Error {
  /** Stays the same in a minified program. */
  override readonly name = "MalformedError";
}

/** Bits of the last byte that a number of 32, 33 or 64 bits may use, after full bytes of 7 bits. */
const LAST_BYTE = { u32: 0x0f, u64: 0x01 };
const BYTES_MAX = { u32: 5, u64: 10 };
/** Bytes of the longest number that the format has, one of 64 bits. */
const NUMBER_BYTES_MAX = 10;

/**
 * Reads a part of a Wasm binary, strictly: never outside of its bounds, no number longer or larger
 * than the format allows (Wasm core specification, "Binary Format: Values"). What does not fit is a
 * {@linkcode MalformedError}.
 */
export class Reader {
  /** Offset in the file of the next byte. */
  at: number;
  /** Offset of the first byte that does not belong to this part. */
  readonly end: number;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, part: { readonly at: number; readonly end: number }) {
    if (part.at < 0 || part.at > part.end || part.end > bytes.length) {
      throw new RangeError(`No part of ${bytes.length} bytes: ${part.at} to ${part.end}`);
    }
    this.#bytes = bytes;
    this.at = part.at;
    this.end = part.end;
  }

  byte(): number {
    if (this.at >= this.end) this.fail("needs a byte more than there is");
    return this.#bytes[this.at++]!;
  }

  /** An unsigned number of 32 bits. */
  u32(): number {
    let value = 0;
    for (let i = 0; i < BYTES_MAX.u32; i++) {
      const byte = this.byte();
      if (i === BYTES_MAX.u32 - 1 && byte > LAST_BYTE.u32) break;
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return value;
    }
    return this.fail("is no number of 32 bits");
  }

  /** An unsigned number of 64 bits. */
  u64(): bigint {
    let value = 0n;
    for (let i = 0; i < BYTES_MAX.u64; i++) {
      const byte = this.byte();
      if (i === BYTES_MAX.u64 - 1 && byte > LAST_BYTE.u64) break;
      value |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte < 0x80) return value;
    }
    return this.fail("is no number of 64 bits");
  }

  /** Passes over a number of any kind; its value and its exact length are the compiler's concern. */
  skipNumber(): void {
    const longest = Math.min(this.end, this.at + NUMBER_BYTES_MAX);
    while (this.at < longest) {
      if (this.#bytes[this.at++]! < 0x80) return;
    }
    this.fail("is no number");
  }

  /** Passes over bytes. */
  pass(bytes: number): void {
    if (bytes > this.end - this.at) this.fail(`needs ${bytes} bytes more than there are`);
    this.at += bytes;
  }

  /** A name, as a view of its UTF-8 bytes. */
  name(): Uint8Array {
    const length = this.u32();
    const start = this.at;
    this.pass(length);
    return this.#bytes.subarray(start, this.at);
  }

  /** Passes over a value type: a byte, or `ref` and `ref null` with a heap type. */
  skipValueType(): void {
    const byte = this.byte();
    if (byte === 0x63 || byte === 0x64) this.skipNumber();
  }

  fail(what: string): never {
    throw new MalformedError(`offset ${this.at} ${what}`);
  }
}

/** An unsigned number as the format writes it. */
export function leb128(value: number | bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt(value);
  while (rest >= 128n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return bytes;
}
