import { ERRNO } from "./errno.ts";
import { IOVECS_MAX, PATH_BYTES_MAX } from "./limits.ts";
import { Refusal } from "./refusal.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

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

  /** The non-empty buffers of an array of `iovec`s, as views; at most {@linkcode IOVECS_MAX}. */
  buffers(pointer: number, count: number): Uint8Array<ArrayBuffer>[] {
    const wanted = count >>> 0;
    const start = this.#check(pointer, wanted * 8);
    const buffers: Uint8Array<ArrayBuffer>[] = [];
    for (let at = start; at < start + wanted * 8 && buffers.length < IOVECS_MAX; at += 8) {
      const length = this.#view.getUint32(at + 4, true);
      if (length > 0) buffers.push(this.bytes(this.#view.getUint32(at, true), length));
    }
    return buffers;
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
