import { ERRNO } from "../errno.ts";
import { PATH_BYTES_MAX } from "../limits.ts";
import { Refusal } from "../refusal.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const SLASH = 0x2f;
const DOT = 0x2e;

/**
 * A path as the guest gave it: UTF-8 without a NUL. One object serves a guest's every call, and a
 * host that takes bytes needs no text.
 */
export class GuestPath {
  /** The path, then a NUL. */
  readonly bytes = new Uint8Array(new ArrayBuffer(PATH_BYTES_MAX));
  /** Bytes of the path. */
  length = 0;
  /** True for one name that is no `..`: no kernel leaves a directory through it. */
  isPlainName = false;

  /** The path as text. */
  get text(): string {
    return decoder.decode(this.bytes.subarray(0, this.length));
  }

  /**
   * Takes a path over from the guest's memory. Refused with `nametoolong`, with `ilseq` unless it is
   * UTF-8, and with `inval` if it holds a NUL.
   */
  read(memory: Uint8Array, start: number, length: number): void {
    if (length >= PATH_BYTES_MAX) throw new Refusal(ERRNO.nametoolong);
    const { bytes } = this;
    let all = 0;
    let [hasNul, hasSlash] = [false, false];
    for (let index = 0; index < length; index++) {
      const byte = memory[start + index]!;
      bytes[index] = byte;
      all |= byte;
      if (byte === SLASH) hasSlash = true;
      if (byte === 0) hasNul = true;
    }
    bytes[length] = 0;
    this.length = length;
    if (all >= 0x80 && !this.#isUtf8()) throw new Refusal(ERRNO.ilseq);
    if (hasNul) throw new Refusal(ERRNO.inval);
    const isUp = length === 2 && bytes[0] === DOT && bytes[1] === DOT;
    this.isPlainName = length > 0 && !hasSlash && !isUp;
  }

  #isUtf8(): boolean {
    try {
      decoder.decode(this.bytes.subarray(0, this.length));
      return true;
    } catch {
      return false;
    }
  }
}
