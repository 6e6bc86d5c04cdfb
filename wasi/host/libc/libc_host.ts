import { FILETYPE } from "../../abi.ts";
import { ERRNO } from "../../errno.ts";
import type { Answer, HostDirectory, HostFile, OpenRootOptions, System, Wait } from "../host.ts";
import type { Family, HostSocket, Protocol } from "../socket.ts";
import type { NetworkNews } from "../../network/news.ts";
import { once } from "../../start/once.ts";
import { standardFiletype } from "../standard.ts";
import {
  AT_FDCWD,
  FIONREAD,
  MACHINES,
  O_CLOEXEC,
  O_PATH,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLNVAL,
  POLLOUT,
} from "./constants.ts";
import { LibcDirectory, type Turn } from "./libc_directory.ts";
import { LibcFile, type LibcFileOptions } from "./libc_file.ts";
import type { LibcSocketOptions } from "./libc_socket.ts";
import type { LibcSockets } from "./libc_sockets.ts";
import { Library } from "./library.ts";
import { LibcSystem } from "./libc_system.ts";
import type { OwnedDescriptors } from "./owned.ts";
import { PollPlaces } from "./poll_places.ts";
import { chooseResolver, cString, type Resolve } from "./resolver.ts";
import { NS_PER_S } from "./times.ts";
import { Watched } from "./watched.ts";

const { O_DIRECTORY } = MACHINES[Deno.build.arch];

const importSockets = once(() => import("./libc_sockets.ts"));

/** Longer than any slice: whoever waits is asked again after each one. */
const NO_TIMEOUT_NS = 2n ** 63n;

/** How {@linkcode LibcHost} is opened. */
export interface LibcHostOptions {
  /** @default {the kernel's, where it has one} */
  readonly resolver?: (library: Library) => Resolve;
  /** @default {loaded later, if at all} */
  readonly sockets?: typeof LibcSockets;
  /**
   * Other threads close descriptors that it waits for, and open others under their numbers.
   *
   * @default false
   */
  readonly shares?: boolean;
  /** Keeps account of what it opens. @default {nobody does} */
  readonly owned?: OwnedDescriptors;
}

/** What is told whether it is asked for or not. */
const POLL_ALWAYS = POLLERR | POLLHUP | POLLNVAL;
/** With fewer files to wait for, looking at each of them costs no more than having them watched. */
const WATCHED_MIN = 128;
/** So many for each that waits to write: a server's buffers are seldom full. */
const WATCHED_PER_WRITE = 8;

/** Linux through libc: the kernel contains paths, and guest memory is read and written in place. */
export class LibcHost implements System {
  readonly kind = "libc";
  readonly #system: LibcSystem;
  readonly #timespec = new BigInt64Array(2);
  readonly #count = new Int32Array(1);
  #sockets: LibcSockets | undefined;
  /** Undefined where it must not be used. */
  readonly #places = new PollPlaces();
  #watched: Watched | undefined;

  private constructor(system: LibcSystem, watched: Watched | undefined) {
    this.#system = system;
    this.#watched = watched;
  }

  /**
   * Opens libc; throws where there is none or the process may not. With `sockets` it has them from the
   * start, without {@linkcode loadSockets}.
   */
  static open(options: LibcHostOptions = {}): LibcHost {
    const library = Library.open(options.owned);
    const system = new LibcSystem(library, (options.resolver ?? chooseResolver)(library));
    const host = new LibcHost(system, options.shares ? undefined : new Watched(library));
    if (options.sockets !== undefined) host.#sockets = new options.sockets(system);
    return host;
  }

  openRoot(hostPath: string, { exact = false }: OpenRootOptions = {}): HostDirectory | Answer {
    const fd = exact ? this.#openExact(hostPath) : this.#openFolder(hostPath, 0);
    return fd < 0 ? fd : new LibcDirectory(this.#system, fd);
  }

  /** Goes down from the machine's root, through no link. */
  #openExact(hostPath: string): Answer {
    if (!hostPath.startsWith("/")) return -ERRNO.inval;
    const root = this.#openFolder("/", O_PATH); // which needs no right to read it
    if (root < 0) return root;
    const { resolve, library } = this.#system;
    const path = cString(`.${hostPath}`);
    const fd = resolve({ directory: root, path, flags: O_DIRECTORY, exact: true });
    library.functions.close(root);
    return fd;
  }

  #openFolder(hostPath: string, how: number): Answer {
    const { library } = this.#system;
    const flags = O_DIRECTORY | O_CLOEXEC | how;
    const path = cString(hostPath);
    return library.answer(library.calls.openat(AT_FDCWD, path, { flags, mode: 0 }));
  }

  openFile(hostPath: string): HostFile | Answer {
    const { library, stat } = this.#system;
    const place = cString(hostPath);
    const fd = library.answer(
      library.calls.openat(AT_FDCWD, place, { flags: O_CLOEXEC, mode: 0 }),
    );
    if (fd < 0) return fd;
    const answer = stat.look(fd);
    if (answer >= 0 && stat.filetype !== FILETYPE.directory) {
      return new LibcFile(this.#system, { fd, filetype: stat.filetype, flags: 0 });
    }
    library.functions.close(fd);
    return answer < 0 ? answer : -ERRNO.isdir;
  }

  /** A file that another thread has opened. */
  adoptFile(options: LibcFileOptions): HostFile {
    return new LibcFile(this.#system, options);
  }

  /** A directory that another thread has opened; `turn` is taken to read it. */
  adoptDirectory(fd: number, turn: Turn): HostDirectory {
    return new LibcDirectory(this.#system, fd, turn);
  }

  async loadSockets(): Promise<void> {
    const { LibcSockets } = await importSockets();
    this.#sockets ??= new LibcSockets(this.#system);
  }

  openSocket(family: Family, protocol: Protocol): HostSocket | Answer {
    return this.#loaded.open(family, protocol);
  }

  /** A socket that another thread has opened. */
  adoptSocket(options: LibcSocketOptions): HostSocket {
    return this.#loaded.adopt(options);
  }

  heed(news: NetworkNews | undefined): void {
    this.#sockets?.permitListening();
    this.#system.polling.heeded = news && {
      get descriptor(): number | undefined {
        return news.descriptor;
      },
      get heard(): boolean {
        return news.heard ?? false;
      },
      look: () => {
        if (news.look().closing) this.stopListening();
      },
    };
  }

  stopListening(): void {
    this.#sockets?.stopListening();
  }

  standard(number: 0 | 1 | 2, { terminal = false } = {}): HostFile {
    const { stat } = this.#system;
    const found = stat.look(number) < 0 ? FILETYPE.unknown : stat.filetype;
    const filetype = terminal ? FILETYPE.characterDevice : standardFiletype(number, found);
    return new LibcFile(this.#system, { fd: number, filetype, flags: 0, borrowed: true });
  }

  clockNs(clock: number): bigint {
    // WASI's four clocks have Linux's own numbers.
    this.#system.library.functions.clock_gettime(clock, this.#timespec);
    return this.#timespec[0]! * NS_PER_S + this.#timespec[1]!;
  }

  resolutionNs(clock: number): bigint {
    this.#system.library.calls.clock_getres(clock, this.#timespec);
    return this.#timespec[0]! * NS_PER_S + this.#timespec[1]!;
  }

  wait(waits: readonly Wait[], timeoutNs: bigint | undefined): Answer {
    const { polling, library } = this.#system;
    if (this.#watched !== undefined && isWorthWatching(waits)) {
      const epoll = this.#watched.begin(waits, (file) => this.#fdOf(file));
      if (epoll >= 0) return this.#waitWatched(this.#watched, { epoll, waits, timeoutNs });
      this.#watched[Symbol.dispose]();
      this.#watched = undefined; // the system keeps no more of them
    }
    const places = this.#places;
    polling.reserve(waits.length);
    places.begin(waits.length);
    for (let index = 0; index < waits.length; index++) {
      const { file, interest } = waits[index]!;
      const fd = this.#fdOf(file);
      const known = places.count;
      const place = places.give(index, fd);
      const events = eventsFor(interest);
      polling.set(place, fd, place < known ? polling.wantedAt(place) | events : events);
    }
    const count = library.answer(polling.poll(places.count, timeoutNs ?? NO_TIMEOUT_NS));
    if (count <= 0) return count === -ERRNO.intr ? 0 : count;
    let ready = 0;
    for (let index = 0; index < waits.length; index++) {
      const wait = waits[index]!;
      const told = polling.eventsOf(places.of(index)) & (eventsFor(wait.interest) | POLL_ALWAYS);
      if (told === 0) continue;
      wait.ready = this.#readiness(wait, told);
      ready++;
    }
    return ready;
  }

  /** As {@linkcode wait}, for what the kernel looks at anyway. */
  #waitWatched(
    watched: Watched,
    { epoll, waits, timeoutNs }: {
      readonly epoll: number;
      readonly waits: readonly Wait[];
      readonly timeoutNs: bigint | undefined;
    },
  ): Answer {
    const { polling, library } = this.#system;
    const count = library.answer(polling.pollOne(epoll, POLLIN, timeoutNs ?? NO_TIMEOUT_NS));
    if (count <= 0) return count === -ERRNO.intr ? 0 : count;
    return watched.visit((index, events) => {
      const wait = waits[index]!;
      const told = events & (eventsFor(wait.interest) | POLL_ALWAYS);
      if (told !== 0) wait.ready = this.#readiness(wait, told);
    });
  }

  rest(): void {
    this.#watched?.[Symbol.dispose]();
  }

  yield(): void {
    this.#system.library.calls.sched_yield();
  }

  get #loaded(): LibcSockets {
    if (this.#sockets === undefined) throw new TypeError("Cannot use sockets: they are not loaded");
    return this.#sockets;
  }

  #readiness({ file, interest }: Wait, events: number): NonNullable<Wait["ready"]> {
    const hangup = (events & POLLHUP) !== 0;
    if ((events & POLLNVAL) !== 0) return { errno: ERRNO.badf, bytes: 0n, hangup };
    const socket = file.type === "socket"; // it tells its error when it is used
    if ((events & POLLERR) !== 0 && !hangup && !socket) {
      return { errno: ERRNO.io, bytes: 0n, hangup };
    }
    if (interest === "write") return { errno: ERRNO.success, bytes: 0n, hangup };
    const { functions } = this.#system.library;
    const known = functions.ioctl(this.#fdOf(file), BigInt(FIONREAD), this.#count) === 0;
    return { errno: ERRNO.success, bytes: known ? BigInt(this.#count[0]!) : 0n, hangup };
  }

  /** The descriptor of the process behind a file. */
  #fdOf(file: Wait["file"]): number {
    const fd = file.type === "socket" ? this.#loaded.fdOf(file) : fdOfFile(file);
    if (fd === undefined) throw new TypeError("Cannot wait for another host's file");
    return fd;
  }
}

/**
 * True if hardly any of these is likely to be ready: most sockets can be written at any time, and where
 * thousands are told each time, watching them costs twice as much as looking at them.
 */
function isWorthWatching(waits: readonly Wait[]): boolean {
  if (waits.length < WATCHED_MIN) return false;
  let writes = 0;
  for (const { file, interest } of waits) {
    if (file.type !== "socket") return false;
    if (interest === "write") writes++;
  }
  return writes * WATCHED_PER_WRITE <= waits.length;
}

function eventsFor(interest: Wait["interest"]): number {
  return interest === "read" ? POLLIN : POLLOUT;
}

function fdOfFile(file: HostFile): number | undefined {
  return file instanceof LibcFile ? file.fd : undefined;
}
