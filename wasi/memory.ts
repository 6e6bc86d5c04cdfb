import { Dirents } from "./calls/dirents.ts";
import { ERRNO } from "./errno.ts";
import { GuestPath } from "./host/guest_path.ts";
import { IOVECS_MAX } from "./limits.ts";
import { Refusal } from "./refusal.ts";

/**
 * Buffers in a guest's memory for one transfer, checked against its bounds. One object serves a
 * guest's every call, so that a transfer allocates nothing.
 */
export class Vectors {
  /** The whole memory that the buffers lie in. */
  memory: Uint8Array = new Uint8Array(0);
  /** Where `memory` lies, as the host has found out. It is forgotten when the memory may have moved. */
  address: bigint | undefined;
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

  /** One buffer as a view, for those who cannot do without; a shared one if the memory is shared. */
  view(index: number): Uint8Array {
    const start = this.places[2 * index]!;
    return this.memory.subarray(start, start + this.places[2 * index + 1]!);
  }

  /** What is in one buffer, for those who take no shared memory: a copy if it is shared, else a view. */
  content(index: number): Uint8Array<ArrayBuffer> {
    const view = this.view(index);
    return view.buffer instanceof ArrayBuffer ? view as Uint8Array<ArrayBuffer> : view.slice();
  }
}

/**
 * The guest's memory; the only code that touches it. It may be shared between threads.
 *
 * Every method checks its bounds and throws a {@linkcode Refusal} (`fault`) outside of them. What
 * it hands out is valid until the guest runs again: the guest may grow its memory, which detaches
 * every view of it. A view of a shared memory is a shared one: Web APIs such as `TextDecoder` want
 * a copy of it, and another thread may change it at any time, so that nothing is read twice.
 */
export class GuestMemory {
  #memory: WebAssembly.Memory | undefined;
  /** Shorter than the memory once it has grown: detached, or for a shared one as it was. */
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(this.#bytes.buffer);
  readonly #vectors = new Vectors();
  readonly #path = new GuestPath();

  /** Says which memory it is. Until then every access is refused. */
  bind(memory: WebAssembly.Memory): void {
    this.#memory = memory;
  }

  /** The bytes from `pointer`, as a view. */
  bytes(pointer: number, length: number): Uint8Array {
    const start = this.check(pointer, length >>> 0);
    return this.#bytes.subarray(start, start + (length >>> 0));
  }

  /**
   * A path. Refused with `ilseq` unless UTF-8, with `inval` if it holds a NUL. The answer is the same
   * object each time, filled anew.
   */
  path(pointer: number, length: number): GuestPath {
    const start = this.check(pointer, length >>> 0);
    this.#path.read(this.#bytes, start, length >>> 0);
    return this.#path;
  }

  /** A path as text. */
  text(pointer: number, length: number): string {
    return this.path(pointer, length).text;
  }

  /**
   * Reads an array of `iovec`s: its non-empty buffers, at most {@linkcode IOVECS_MAX} of them. The
   * answer is the same object each time, filled anew.
   */
  vectors(pointer: number, count: number): Vectors {
    const wanted = count >>> 0;
    const start = this.check(pointer, wanted * 8);
    const vectors = this.#vectors;
    vectors.clear();
    for (let at = start; at < start + wanted * 8 && vectors.count < IOVECS_MAX; at += 8) {
      const length = this.#view.getUint32(at + 4, true);
      if (length !== 0) vectors.add(this.check(this.#view.getUint32(at, true), length), length);
    }
    return vectors;
  }

  /** A buffer for directory entries. */
  dirents(pointer: number, length: number): Dirents {
    const start = this.check(pointer, length >>> 0);
    const memory = { bytes: this.#bytes, view: this.#view };
    return new Dirents(memory, { start, end: start + (length >>> 0) });
  }

  getU8(pointer: number): number {
    const at = this.check(pointer, 1);
    return this.#view.getUint8(at);
  }

  getU16(pointer: number): number {
    const at = this.check(pointer, 2);
    return this.#view.getUint16(at, true);
  }

  getU32(pointer: number): number {
    const at = this.check(pointer, 4);
    return this.#view.getUint32(at, true);
  }

  getU64(pointer: number): bigint {
    const at = this.check(pointer, 8);
    return this.#view.getBigUint64(at, true);
  }

  setU8(pointer: number, value: number): void {
    const at = this.check(pointer, 1);
    this.#view.setUint8(at, value);
  }

  setU16(pointer: number, value: number): void {
    const at = this.check(pointer, 2);
    this.#view.setUint16(at, value, true);
  }

  setU32(pointer: number, value: number): void {
    const at = this.check(pointer, 4);
    this.#view.setUint32(at, value, true);
  }

  setU64(pointer: number, value: bigint): void {
    const at = this.check(pointer, 8);
    this.#view.setBigUint64(at, value, true);
  }

  /** Writes numbers one after the other. */
  setU64s(pointer: number, values: BigUint64Array): void {
    const at = this.check(pointer, values.byteLength);
    for (let index = 0; index < values.length; index++) {
      this.#view.setBigUint64(at + index * 8, values[index]!, true);
    }
  }

  /** Answers the unsigned start of so many bytes that are there, all of them. */
  check(pointer: number, length: number): number {
    const start = pointer >>> 0;
    // Asking the memory for its buffer costs more than many a call, so it is not asked before the
    // view that we have is too short. A detached one has no length at all.
    if (start + length >= this.#bytes.length) this.#renew(start + length);
    return start;
  }

  #renew(end: number): void {
    if (this.#memory === undefined) throw new Refusal(ERRNO.fault);
    const { buffer } = this.#memory;
    if (buffer !== this.#bytes.buffer) {
      this.#bytes = new Uint8Array(buffer);
      this.#view = new DataView(buffer);
      this.#vectors.memory = this.#bytes;
      this.#vectors.address = undefined;
    }
    if (end > this.#bytes.length) throw new Refusal(ERRNO.fault);
  }
}
