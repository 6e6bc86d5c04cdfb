import { ERRNO } from "../../errno.ts";
import type { Answer, HostDirectory, HostFile, System, Wait } from "../host.ts";
import {
  AT_FDCWD,
  FIONREAD,
  MACHINES,
  O_CLOEXEC,
  POLLERR,
  POLLFD_BYTES,
  POLLHUP,
  POLLIN,
  POLLNVAL,
  POLLOUT,
} from "./constants.ts";
import { LibcDirectory } from "./libc_directory.ts";
import { LibcFile } from "./libc_file.ts";
import { Library } from "./library.ts";
import { LibcSystem } from "./libc_system.ts";
import { chooseResolver, cString, type Resolve } from "./resolver.ts";
import { NS_PER_S } from "./times.ts";

/** Longer than any slice: whoever waits is asked again after each one. */
const NO_TIMEOUT_NS = 2n ** 63n;

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
    const fd = library.answer(library.calls.openat(AT_FDCWD, path, { flags, mode: 0 }));
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
    const { calls } = this.#system.library;
    return calls.clock_getres(clock, this.#timespec) < 0 ? undefined : this.#nanoseconds();
  }

  wait(waits: readonly Wait[], timeoutNs: bigint | undefined): Answer {
    const { library } = this.#system;
    const bytes = new Uint8Array(waits.length * POLLFD_BYTES);
    const view = new DataView(bytes.buffer);
    for (const [index, { file, interest }] of waits.entries()) {
      if (!(file instanceof LibcFile)) throw new TypeError("Cannot wait for another host's file");
      view.setInt32(index * POLLFD_BYTES, file.fd, true);
      view.setInt16(index * POLLFD_BYTES + 4, interest === "read" ? POLLIN : POLLOUT, true);
    }
    const count = library.answer(this.#system.poll(bytes, timeoutNs ?? NO_TIMEOUT_NS));
    if (count < 0) return count === -ERRNO.intr ? 0 : count;
    for (const [index, wait] of waits.entries()) {
      const events = view.getInt16(index * POLLFD_BYTES + 6, true);
      if (events !== 0) wait.ready = this.#readiness(wait, events);
    }
    return count;
  }

  yield(): void {
    this.#system.library.calls.sched_yield();
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
