import { FDFLAG, FILETYPE } from "../../abi.ts";
import { ERRNO } from "../../errno.ts";
import type { Vectors } from "../../memory.ts";
import type { Answer, FileStat, HostFile, Times } from "../host.ts";
import { tellStream } from "../standard.ts";
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
  /** The descriptor is the process's own. */
  readonly borrowed: boolean;
  readonly #system: LibcSystem;
  #flags: number;

  constructor(system: LibcSystem, options: LibcFileOptions) {
    this.#system = system;
    this.fd = options.fd;
    this.filetype = options.filetype;
    this.#flags = options.flags;
    this.borrowed = options.borrowed ?? false;
  }

  read(into: Vectors): Answer {
    if (this.#mustNotBlock(POLLIN)) return -ERRNO.again;
    while (true) {
      const answer = this.#system.transfers.read(this.fd, into);
      if (answer >= 0 || !this.#triesAgain(answer, POLLIN)) return answer;
    }
  }

  write(from: Vectors): Answer {
    if (this.#mustNotBlock(POLLOUT)) return -ERRNO.again;
    while (true) {
      const answer = this.#system.transfers.write(this.fd, from);
      if (answer >= 0 || !this.#triesAgain(answer, POLLOUT)) return answer;
    }
  }

  pread(into: Vectors, offset: bigint): Answer {
    while (true) {
      const answer = this.#system.transfers.pread(this.fd, into, offset);
      if (answer >= 0 || !this.#triesAgain(answer, POLLIN)) return answer;
    }
  }

  pwrite(from: Vectors, offset: bigint): Answer {
    while (true) {
      const answer = this.#system.transfers.pwrite(this.fd, from, offset);
      if (answer >= 0 || !this.#triesAgain(answer, POLLOUT)) return answer;
    }
  }

  seek(offset: number, whence: number): Answer {
    const { library } = this.#system;
    const position = library.functions.lseek(this.fd, BigInt(offset), whence);
    return position < 0n ? library.answer(-1) : Number(position);
  }

  stat(out: FileStat): Answer {
    if (this.borrowed && this.filetype !== FILETYPE.regularFile) {
      tellStream(this.filetype, out);
      return 0;
    }
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
    if (this.borrowed) return 0; // they are shared with whoever started this process
    const linux = ((flags & FDFLAG.append) === 0 ? 0 : O_APPEND) |
      ((flags & FDFLAG.nonblock) === 0 ? 0 : O_NONBLOCK);
    const { library } = this.#system;
    return library.answer(library.calls.setFlags(this.fd, linux));
  }

  close(): Answer {
    if (this.borrowed) return 0;
    const { library } = this.#system;
    return library.answer(library.functions.close(this.fd));
  }

  /** True if the guest asked not to wait, the system cannot be told, and it would have to. */
  #mustNotBlock(events: number): boolean {
    return this.borrowed && (this.#flags & FDFLAG.nonblock) !== 0 &&
      this.#system.polling.pollOne(this.fd, events, 0n) === 0;
  }

  /** A signal came between; or somebody else made it non-blocking, and it was waited for. */
  #triesAgain(answer: Answer, events: number): boolean {
    if (answer === -ERRNO.intr) return true;
    const waits = (this.#flags & FDFLAG.nonblock) === 0 &&
      this.filetype !== FILETYPE.regularFile;
    if (answer !== -ERRNO.again || !waits) return false;
    this.#system.polling.pollOne(this.fd, events);
    return true;
  }
}
