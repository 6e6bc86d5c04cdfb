import { FDFLAG, FILETYPE } from "../../abi.ts";
import { ERRNO } from "../../errno.ts";
import type { Vectors } from "../../memory.ts";
import type { Answer, FileStat, HostFile, Times } from "../host.ts";
import { O_APPEND, O_NONBLOCK, POLLIN, POLLOUT } from "./constants.ts";
import type { LibcSystem } from "./libc_system.ts";
import { fromLinux } from "./linux_errno.ts";
import { timespecs } from "./times.ts";

/** How {@linkcode LibcFile} came by its descriptor. */
export interface LibcFileOptions {
  readonly fd: number;
  readonly filetype: number;
  /** WASI's `fdflags` that it was opened with. */
  readonly flags: number;
  /** The descriptor is the process's own: it is never closed, nor are its flags changed. */
  readonly borrowed?: boolean;
}

/** A descriptor of the process, read and written without a copy. */
export class LibcFile implements HostFile {
  readonly type = "file";
  readonly fd: number;
  readonly filetype: number;
  readonly #system: LibcSystem;
  readonly #borrowed: boolean;
  #flags: number;

  constructor(system: LibcSystem, options: LibcFileOptions) {
    this.#system = system;
    this.fd = options.fd;
    this.filetype = options.filetype;
    this.#flags = options.flags;
    this.#borrowed = options.borrowed ?? false;
  }

  read(into: Vectors): Answer {
    const { library: { calls } } = this.#system;
    const vector = this.#vector(into);
    return this.#transfer(POLLIN, () => calls.readv(this.fd, vector));
  }

  write(from: Vectors): Answer {
    const { library: { calls } } = this.#system;
    const vector = this.#vector(from);
    return this.#transfer(POLLOUT, () => calls.writev(this.fd, vector));
  }

  pread(into: Vectors, offset: bigint): Answer {
    const { library: { calls } } = this.#system;
    const vector = this.#vector(into);
    return this.#transfer(POLLIN, () => calls.preadv(this.fd, vector, offset));
  }

  pwrite(from: Vectors, offset: bigint): Answer {
    const { library: { calls } } = this.#system;
    const vector = this.#vector(from);
    return this.#transfer(POLLOUT, () => calls.pwritev(this.fd, vector, offset));
  }

  seek(offset: number, whence: number): Answer {
    const { library } = this.#system;
    const position = library.functions.lseek(this.fd, BigInt(offset), whence);
    return position < 0n ? library.answer(-1) : Number(position);
  }

  stat(out: FileStat): Answer {
    const answer = this.#system.stat.look(this.fd);
    if (answer >= 0) this.#system.stat.fill(out);
    return answer;
  }

  setTimes(times: Times): Answer {
    const { library } = this.#system;
    const self = { fd: this.fd, name: null };
    return library.answer(library.calls.utimensat(self, timespecs(times), 0));
  }

  setSize(size: number): Answer {
    const { library } = this.#system;
    return library.answer(library.calls.ftruncate(this.fd, size));
  }

  allocate(offset: number, length: number): Answer {
    const { functions } = this.#system.library;
    const failed = functions.posix_fallocate(this.fd, BigInt(offset), BigInt(length));
    return failed === 0 ? 0 : -fromLinux(failed);
  }

  advise(offset: number, length: number, advice: number): Answer {
    // WASI's order is normal, sequential, random; Linux has the last two the other way round.
    const linux = advice === 1 ? 2 : advice === 2 ? 1 : advice;
    const { library } = this.#system;
    return library.answer(library.calls.fadvise(this.fd, { offset, length }, linux));
  }

  sync(dataOnly: boolean): Answer {
    const { library } = this.#system;
    const { calls } = library;
    return library.answer(dataOnly ? calls.fdatasync(this.fd) : calls.fsync(this.fd));
  }

  setFlags(flags: number): Answer {
    this.#flags = flags;
    if (this.#borrowed) return 0; // they are shared with whoever started this process
    const linux = ((flags & FDFLAG.append) === 0 ? 0 : O_APPEND) |
      ((flags & FDFLAG.nonblock) === 0 ? 0 : O_NONBLOCK);
    const { library } = this.#system;
    return library.answer(library.calls.setFlags(this.fd, linux));
  }

  close(): Answer {
    if (this.#borrowed) return 0;
    const { library } = this.#system;
    return library.answer(library.functions.close(this.fd));
  }

  /** Does it again when a signal came between, and waits where somebody else made it non-blocking. */
  #transfer(events: number, call: () => number): Answer {
    const nonblock = (this.#flags & FDFLAG.nonblock) !== 0;
    const stream = this.filetype !== FILETYPE.regularFile;
    if (nonblock && this.#borrowed && !this.#system.isReady(this.fd, events)) return -ERRNO.again;
    while (true) {
      const answer = this.#system.library.answer(call());
      if (answer === -ERRNO.intr) continue;
      if (answer !== -ERRNO.again || nonblock || !stream) return answer;
      this.#system.waitFor(this.fd, events);
    }
  }

  /** An array of `struct iovec`. The guest's memory stays in its place during a call. */
  #vector(vectors: Vectors): BigUint64Array<ArrayBuffer> {
    const { functions } = this.#system.library;
    const base = functions.addressOf(vectors.memory, vectors.memory, 0n);
    const vector = new BigUint64Array(vectors.count * 2);
    for (let index = 0; index < vectors.count; index++) {
      vector[index * 2] = base + BigInt(vectors.places[index * 2]!);
      vector[index * 2 + 1] = BigInt(vectors.places[index * 2 + 1]!);
    }
    return vector;
  }
}
