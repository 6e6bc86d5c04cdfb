import { ERRNO } from "./errno.ts";
import { IOVECS_MAX, PATH_BYTES_MAX } from "./limits.ts";
import { Refusal } from "./refusal.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Buffers in a guest's memory for one transfer, checked against its bounds. One object serves a
 * guest's every call, so that a transfer allocates nothing.
 */
export class Vectors {
  /** The whole memory that the buffers lie in. */
  memory: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  /** Where each buffer begins and how long it is, by turns: `2 * count` numbers are valid. */
  readonly places = new Uint32Array(2 * IOVECS_MAX);
  /** How many buffers there are; none of them is empty. */
  count = 0;
  /** Bytes of all buffers together. */
  bytes = 0;

  /** Forgets all buffers. */
  clear(): void {
    this.count = this.bytes = 0;
  }

  /** Adds a buffer that was checked. */
  add(pointer: number, length: number): void {
    this.places[2 * this.count] = pointer;
    this.places[2 * this.count + 1] = length;
    this.count++;
    this.bytes += length;
  }

  /** One buffer as a view, for those who cannot do without. */
  view(index: number): Uint8Array<ArrayBuffer> {
    const start = this.places[2 * index]!;
    return this.memory.subarray(start, start + this.places[2 * index + 1]!);
  }
}

/**
 * The guest's memory; the only code that touches it.
 *
 * Every method checks its bounds and throws a {@linkcode Refusal} (`fault`) outside of them. What
 * it hands out is valid until the guest runs again: the guest may grow its memory, which detaches
 * every view of it.
 */
export class GuestMemory {
  #memory: WebAssembly.Memory | undefined;
  #bytes = new Uint8Array(0);
  #view = new DataView(this.#bytes.buffer);
  readonly #vectors = new Vectors();

  /** Says which memory it is; not a shared one. Until then every access is refused. */
  bind(memory: WebAssembly.Memory): void {
    this.#memory = memory;
  }

  /** The bytes from `pointer`, as a view. */
  bytes(pointer: number, length: number): Uint8Array<ArrayBuffer> {
    const start = this.#check(pointer, length >>> 0);
    return this.#bytes.subarray(start, start + (length >>> 0));
  }

  /** A path or other text. Refused with `ilseq` unless UTF-8, with `inval` if it holds a NUL. */
  text(pointer: number, length: number): string {
    if (length >>> 0 >= PATH_BYTES_MAX) throw new Refusal(ERRNO.nametoolong);
    const bytes = this.bytes(pointer, length);
    let text: string;
    try {
      text = decoder.decode(bytes);
    } catch {
      throw new Refusal(ERRNO.ilseq);
    }
    if (text.includes("\0")) throw new Refusal(ERRNO.inval);
    return text;
  }

  /**
   * Reads an array of `iovec`s: its non-empty buffers, at most {@linkcode IOVECS_MAX} of them. The
   * answer is the same object each time, filled anew.
   */
  vectors(pointer: number, count: number): Vectors {
    const wanted = count >>> 0;
    const start = this.#check(pointer, wanted * 8);
    const vectors = this.#vectors;
    vectors.clear();
    for (let at = start; at < start + wanted * 8 && vectors.count < IOVECS_MAX; at += 8) {
      const length = this.#view.getUint32(at + 4, true);
      if (length === 0) continue;
      const buffer = this.#view.getUint32(at, true);
      if (buffer + length > this.#bytes.length) throw new Refusal(ERRNO.fault);
      vectors.add(buffer, length);
    }
    vectors.memory = this.#bytes;
    return vectors;
  }

  getU8(pointer: number): number {
    const at = this.#check(pointer, 1);
    return this.#view.getUint8(at);
  }

  getU16(pointer: number): number {
    const at = this.#check(pointer, 2);
    return this.#view.getUint16(at, true);
  }

  getU32(pointer: number): number {
    const at = this.#check(pointer, 4);
    return this.#view.getUint32(at, true);
  }

  getU64(pointer: number): bigint {
    const at = this.#check(pointer, 8);
    return this.#view.getBigUint64(at, true);
  }

  setU8(pointer: number, value: number): void {
    const at = this.#check(pointer, 1);
    this.#view.setUint8(at, value);
  }

  setU16(pointer: number, value: number): void {
    const at = this.#check(pointer, 2);
    this.#view.setUint16(at, value, true);
  }

  setU32(pointer: number, value: number): void {
    const at = this.#check(pointer, 4);
    this.#view.setUint32(at, value, true);
  }

  setU64(pointer: number, value: bigint): void {
    const at = this.#check(pointer, 8);
    this.#view.setBigUint64(at, value, true);
  }

  /** Answers the unsigned start, with fresh views if the memory has grown. */
  #check(pointer: number, length: number): number {
    if (this.#memory === undefined) throw new Refusal(ERRNO.fault);
    const buffer = this.#memory.buffer as ArrayBuffer;
    if (buffer !== this.#bytes.buffer) {
      this.#bytes = new Uint8Array(buffer);
      this.#view = new DataView(buffer);
    }
    const start = pointer >>> 0;
    if (start + length > this.#bytes.length) throw new Refusal(ERRNO.fault);
    return start;
  }
}
