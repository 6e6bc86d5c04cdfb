import { IOVECS_MAX } from "../../limits.ts";
import type { Vectors } from "../../memory.ts";
import type { Answer } from "../host.ts";
import { MACHINES } from "./constants.ts";
import type { Library } from "./library.ts";

const { read, readv, pread64, preadv, write, writev, pwrite64, pwritev } =
  MACHINES[Deno.build.arch].calls;
/** `sizeof(struct iovec)`: an address and a length of 64 bits each. */
const IOVEC_BYTES = 16;
const NO_OFFSET = 0n;

/**
 * Bytes between a descriptor and a guest's memory, which the kernel moves without a copy of ours.
 *
 * The kernel is given addresses, so what lies there must not move or go. A guest's memory stays
 * where it is until the guest runs again, and the iovecs live as long as this object.
 */
export class Transfers {
  readonly #library: Library;
  readonly #iovecs = new BigUint64Array(new ArrayBuffer(IOVECS_MAX * IOVEC_BYTES));
  readonly #iovecsAddress: bigint;

  constructor(library: Library) {
    this.#library = library;
    this.#iovecsAddress = library.addressOf(this.#iovecs);
  }

  /** Fills the buffers from the position of a descriptor. */
  read(fd: number, into: Vectors): Answer {
    return into.count === 1
      ? this.#moveOne(read, { fd, vectors: into, offset: NO_OFFSET })
      : this.#moveMany(readv, { fd, vectors: into, offset: NO_OFFSET });
  }

  /** Writes the buffers at the position of a descriptor. */
  write(fd: number, from: Vectors): Answer {
    return from.count === 1
      ? this.#moveOne(write, { fd, vectors: from, offset: NO_OFFSET })
      : this.#moveMany(writev, { fd, vectors: from, offset: NO_OFFSET });
  }

  /** Fills the buffers from an offset. */
  pread(fd: number, into: Vectors, offset: bigint): Answer {
    return into.count === 1
      ? this.#moveOne(pread64, { fd, vectors: into, offset })
      : this.#moveMany(preadv, { fd, vectors: into, offset });
  }

  /** Writes the buffers at an offset. */
  pwrite(fd: number, from: Vectors, offset: bigint): Answer {
    return from.count === 1
      ? this.#moveOne(pwrite64, { fd, vectors: from, offset })
      : this.#moveMany(pwritev, { fd, vectors: from, offset });
  }

  /**
   * Lays buffers out as an array of `struct iovec` and answers its address. Valid until it is asked
   * again.
   */
  iovecs(vectors: Vectors): bigint {
    const base = this.#baseOf(vectors);
    for (let index = 0; index < 2 * vectors.count; index += 2) {
      this.#iovecs[index] = base + BigInt(vectors.places[index]!);
      this.#iovecs[index + 1] = BigInt(vectors.places[index + 1]!);
    }
    return this.#iovecsAddress;
  }

  #moveOne(call: bigint, { fd, vectors, offset }: Transfer): Answer {
    const address = this.#baseOf(vectors) + BigInt(vectors.places[0]!);
    const bytes = BigInt(vectors.places[1]!);
    const count = this.#library.functions.transfer(call, fd, address, bytes, offset);
    return count >= 0 ? count : this.#library.answer(count);
  }

  #moveMany(call: bigint, { fd, vectors, offset }: Transfer): Answer {
    const address = this.iovecs(vectors);
    const buffers = BigInt(vectors.count);
    const count = this.#library.functions.transfer(call, fd, address, buffers, offset);
    return count >= 0 ? count : this.#library.answer(count);
  }

  #baseOf(vectors: Vectors): bigint {
    return vectors.address ??= this.#library.addressOf(vectors.memory);
  }
}

interface Transfer {
  readonly fd: number;
  readonly vectors: Vectors;
  readonly offset: bigint;
}
