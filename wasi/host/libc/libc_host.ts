import { SLEEP_SLICE_MS_MAX } from "../../limits.ts";
import type { Answer, HostDirectory, HostFile, System, Wait } from "../host.ts";
import {
  AT_FDCWD,
  FIONREAD,
  MACHINES,
  O_CLOEXEC,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLNVAL,
  POLLOUT,
} from "./constants.ts";
import { ERRNO } from "../../errno.ts";
import { LibcDirectory } from "./libc_directory.ts";
import { LibcFile } from "./libc_file.ts";
import { Library } from "./library.ts";
import { chooseResolver, cString, type Resolve } from "./resolver.ts";
import { Stat } from "./stat.ts";

const NS_PER_S = 1_000_000_000n;
const SLICE_NS = BigInt(SLEEP_SLICE_MS_MAX) * 1_000_000n;
const POLLFD_BYTES = 8;

/** What the files and directories of one host share. */
export class LibcSystem {
  readonly library: Library;
  readonly stat: Stat;
  readonly resolve: Resolve;
  readonly #poll = new Uint8Array(POLLFD_BYTES);
  readonly #pollView = new DataView(this.#poll.buffer);

  constructor(library: Library, resolve: Resolve) {
    this.library = library;
    this.stat = new Stat(library);
    this.resolve = resolve;
  }

  /** True if a transfer would not block. */
  isReady(fd: number, events: number): boolean {
    return this.#ppoll(fd, events, 0n) !== 0;
  }

  /** Blocks until a transfer would not block, or for one slice of time. */
  waitFor(fd: number, events: number): void {
    this.#ppoll(fd, events, SLICE_NS);
  }

  #ppoll(fd: number, events: number, timeoutNs: bigint): number {
    this.#pollView.setInt32(0, fd, true);
    this.#pollView.setInt16(4, events, true);
    const timeout = new BigInt64Array([timeoutNs / NS_PER_S, timeoutNs % NS_PER_S]);
    return this.library.functions.ppoll(this.#poll, 1n, timeout, null);
  }
}

/** Linux through libc: the kernel contains paths, and guest memory is read and written in place. */
export class LibcHost implements System {
  readonly kind = "libc";
  readonly #system: LibcSystem;
  readonly #timespec = new BigInt64Array(2);

  private constructor(system: LibcSystem) {
    this.#system = system;
  }

  /** Opens libc; throws where there is none or the process may not. */
  static open(options: { resolver?: (library: Library) => Resolve } = {}): LibcHost {
    const library = Library.open();
    return new LibcHost(new LibcSystem(library, (options.resolver ?? chooseResolver)(library)));
  }

  openRoot(hostPath: string): HostDirectory | Answer {
    const { library } = this.#system;
    const flags = MACHINES[Deno.build.arch].O_DIRECTORY | O_CLOEXEC;
    const path = cString(hostPath);
    const fd = library.answer(library.functions.openat(AT_FDCWD, path, flags, 0));
    return fd < 0 ? fd : new LibcDirectory(this.#system, fd);
  }

  standard(number: 0 | 1 | 2): HostFile {
    const { stat } = this.#system;
    const filetype = stat.look(number) < 0 ? 0 : stat.filetype;
    return new LibcFile(this.#system, { fd: number, filetype, flags: 0, borrowed: true });
  }

  clockNs(clock: number): bigint | undefined {
    const { functions } = this.#system.library;
    // WASI's four clocks have Linux's own numbers.
    return functions.clock_gettime(clock, this.#timespec) < 0 ? undefined : this.#nanoseconds();
  }

  resolutionNs(clock: number): bigint | undefined {
    const { functions } = this.#system.library;
    return functions.clock_getres(clock, this.#timespec) < 0 ? undefined : this.#nanoseconds();
  }

  wait(waits: readonly Wait[], timeoutNs: bigint | undefined): Answer {
    const { library } = this.#system;
    const bytes = new Uint8Array(Math.max(1, waits.length) * POLLFD_BYTES);
    const view = new DataView(bytes.buffer);
    for (const [index, { file, interest }] of waits.entries()) {
      if (!(file instanceof LibcFile)) throw new TypeError("Cannot wait for another host's file");
      view.setInt32(index * POLLFD_BYTES, file.fd, true);
      view.setInt16(index * POLLFD_BYTES + 4, interest === "read" ? POLLIN : POLLOUT, true);
    }
    const slice = timeoutNs === undefined || timeoutNs > SLICE_NS ? SLICE_NS : timeoutNs;
    const timespec = new BigInt64Array([slice / NS_PER_S, slice % NS_PER_S]);
    const count = library.answer(
      library.functions.ppoll(bytes, BigInt(waits.length), timespec, null),
    );
    if (count < 0) return count === -ERRNO.intr ? 0 : count;
    for (const [index, wait] of waits.entries()) {
      const events = view.getInt16(index * POLLFD_BYTES + 6, true);
      if (events !== 0) wait.ready = this.#readiness(wait, events);
    }
    return count;
  }

  yield(): void {
    this.#system.library.functions.sched_yield();
  }

  #readiness({ file, interest }: Wait, events: number): NonNullable<Wait["ready"]> {
    const hangup = (events & POLLHUP) !== 0;
    if ((events & POLLNVAL) !== 0) return { errno: ERRNO.badf, bytes: 0n, hangup };
    if ((events & POLLERR) !== 0 && !hangup) return { errno: ERRNO.io, bytes: 0n, hangup };
    if (interest === "write") return { errno: ERRNO.success, bytes: 0n, hangup };
    const count = new Int32Array(1);
    const { functions } = this.#system.library;
    const known = functions.ioctl((file as LibcFile).fd, BigInt(FIONREAD), count) === 0;
    return { errno: ERRNO.success, bytes: known ? BigInt(count[0]!) : 0n, hangup };
  }

  #nanoseconds(): bigint {
    return this.#timespec[0]! * NS_PER_S + this.#timespec[1]!;
  }
}
