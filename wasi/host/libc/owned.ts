/**
 * The descriptors that one thread of a process has opened, so that another one can close them when that
 * thread has been ended in the middle of its work.
 *
 * @module
 */
import { MACHINES } from "./constants.ts";
import type { SyscallShapes } from "./system_calls.ts";

const { accept4, epoll_create1, openat, openat2, socket } = MACHINES[Deno.build.arch].calls;
const BITS = 32;

/** How many descriptors of a process a thread may have. */
export interface DescriptorShare {
  /** As many as the process can have: no number is higher. */
  readonly numbers: number;
  /** So many are the thread's own, whatever others have… */
  readonly sure: number;
  /** …so many it has at most… */
  readonly most: number;
  /** …and those beyond the sure ones only while numbers below this one are free. */
  readonly common: number;
}

/** {@linkcode OwnedDescriptors} on their way to another thread. */
export interface SharedOwned {
  /** What the thread may have. */
  readonly share: DescriptorShare;
  /** One for each descriptor. */
  readonly bits: SharedArrayBuffer;
}

/**
 * A bit for each descriptor of the process. One thread sets and clears them, at once after it has opened
 * and right before it closes: one that is ended in between leaves a descriptor open, and never gets one
 * closed that is somebody else's by then. Others read them when that thread is gone.
 */
export class OwnedDescriptors {
  /** What another thread makes the same of. */
  readonly shared: SharedOwned;
  /** The bits, for who must not call a function before it has set one. */
  readonly bits: Int32Array<SharedArrayBuffer>;
  /** The last open was refused: the thread has as many as it may have. */
  refused = false;
  #count = 0;

  private constructor(shared: SharedOwned) {
    this.shared = shared;
    this.bits = new Int32Array(shared.bits);
  }

  /** None, for a thread with this share. */
  static none(share: DescriptorShare): OwnedDescriptors {
    const words = Math.ceil(share.numbers / BITS);
    return new OwnedDescriptors({ share, bits: new SharedArrayBuffer(4 * words) });
  }

  /** Those of another thread, or its own of the thread that is to open them. */
  static of(shared: SharedOwned): OwnedDescriptors {
    return new OwnedDescriptors(shared);
  }

  /** This thread has opened it. */
  take(fd: number): void {
    this.bits[fd >>> 5]! |= 1 << (fd & 31);
    this.#count++;
  }

  /** This thread is about to close it. */
  leave(fd: number): void {
    if ((this.bits[fd >>> 5]! & 1 << (fd & 31)) === 0) return;
    this.bits[fd >>> 5]! &= ~(1 << (fd & 31));
    this.#count--;
  }

  /** Counts one whose bit is set already. True if the thread may keep it. */
  admit(fd: number): boolean {
    const { sure, most, common } = this.shared.share;
    this.#count++;
    return this.#count <= sure || (this.#count <= most && fd < common);
  }

  /** Those that are open. */
  *[Symbol.iterator](): Generator<number, void> {
    for (let word = 0; word < this.bits.length; word++) {
      for (let left = this.bits[word]!; left !== 0; left &= left - 1) {
        yield word * BITS + 31 - Math.clz32(left & -left);
      }
    }
  }
}

/** The functions of libc that open and close descriptors, among others. */
export interface Openers extends Pick<SyscallShapes, "ofNumbers" | "ofBuffer" | "ofBuffers"> {
  close(fd: number): number;
}

/**
 * The same functions, which keep account of what they open and close. What reads, writes and waits is
 * left as it is.
 */
export function owning<Functions extends Openers>(
  functions: Functions,
  owned: OwnedDescriptors,
): Functions {
  const { bits } = owned;
  const { close, ofNumbers, ofBuffer, ofBuffers } = functions;
  const admit = (fd: number): number => {
    owned.refused = !owned.admit(fd);
    if (!owned.refused) return fd;
    owned.leave(fd);
    close(fd);
    return -1;
  };
  // A thread is ended where a function begins or a loop turns: there is neither between a call that has
  // opened something and its bit.
  return {
    ...functions,
    close(fd: number): number {
      owned.leave(fd);
      return close(fd);
    },
    ofNumbers(call: bigint, a: bigint, b: bigint, c: bigint, d: bigint, e: bigint): number {
      const fd = ofNumbers(call, a, b, c, d, e);
      if (fd < 0 || (call !== accept4 && call !== socket && call !== epoll_create1)) return fd;
      bits[fd >>> 5]! |= 1 << (fd & 31);
      return admit(fd);
    },
    ofBuffer(call: bigint, a: bigint, buffer: BufferSource, c: bigint, d: bigint): number {
      const fd = ofBuffer(call, a, buffer, c, d);
      if (fd < 0 || call !== openat) return fd;
      bits[fd >>> 5]! |= 1 << (fd & 31);
      return admit(fd);
    },
    ofBuffers(
      call: bigint,
      a: bigint,
      one: BufferSource | null,
      two: BufferSource,
      d: bigint,
    ): number {
      const fd = ofBuffers(call, a, one, two, d);
      if (fd < 0 || call !== openat2) return fd;
      bits[fd >>> 5]! |= 1 << (fd & 31);
      return admit(fd);
    },
  };
}
