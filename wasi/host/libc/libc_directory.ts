import { FDFLAG, FILETYPE } from "../../abi.ts";
import { ERRNO } from "../../errno.ts";
import type { GuestPath } from "../guest_path.ts";
import { PATH_BYTES_MAX } from "../../limits.ts";
import { splitLast } from "../../paths.ts";
import type {
  Answer,
  DirectoryEntry,
  FileStat,
  HostDirectory,
  HostFile,
  OpenOptions,
  Times,
} from "../host.ts";
import * as linux from "./constants.ts";
import { EntryReader } from "./entry_reader.ts";
import { LibcFile } from "./libc_file.ts";
import type { LibcSystem } from "./libc_system.ts";
import { cString } from "./resolver.ts";
import type { At } from "./system_calls.ts";
import { timespecs } from "./times.ts";

const { O_DIRECTORY, O_NOFOLLOW } = linux.MACHINES[Deno.build.arch];
const DIRECTORY_MODE = 0o777;

/** How threads take turns at something that they share. */
export interface Turn {
  /** Runs when it is this thread's turn, and keeps the others waiting meanwhile. */
  hold<T>(run: () => T): T;
}

/** A directory descriptor of the process. Every path goes through {@linkcode LibcSystem.resolve}. */
export class LibcDirectory implements HostDirectory {
  readonly type = "directory";
  readonly fd: number;
  readonly #system: LibcSystem;
  readonly #turn: Turn | undefined;
  #entries: EntryReader | undefined;

  constructor(system: LibcSystem, fd: number, turn?: Turn) {
    this.#system = system;
    this.fd = fd;
    this.#turn = turn;
  }

  open({ bytes }: GuestPath, options: OpenOptions): HostFile | HostDirectory | Answer {
    const { resolve, stat, library } = this.#system;
    const fd = resolve({ directory: this.fd, path: bytes, flags: openFlags(options) });
    if (fd < 0) return fd;
    const answer = stat.look(fd);
    if (answer < 0) {
      library.functions.close(fd);
      return answer;
    }
    return stat.filetype === FILETYPE.directory
      ? new LibcDirectory(this.#system, fd)
      : new LibcFile(this.#system, { fd, filetype: stat.filetype, flags: options.flags });
  }

  stat(out: FileStat): Answer {
    const answer = this.#system.stat.look(this.fd);
    if (answer >= 0) this.#system.stat.fill(out);
    return answer;
  }

  statAt(path: GuestPath, { follow, out }: { follow: boolean; out: FileStat }): Answer {
    const { stat } = this.#system;
    if (path.isPlainName) {
      const answer = stat.lookAt(this.fd, path.bytes, linux.AT_SYMLINK_NOFOLLOW);
      if (answer < 0) return answer;
      if (!follow || stat.filetype !== FILETYPE.symbolicLink) {
        stat.fill(out);
        return 0;
      }
    }
    return this.#withBytes(path.bytes, follow, (fd) => {
      const answer = stat.look(fd);
      if (answer >= 0) stat.fill(out);
      return answer;
    });
  }

  setTimes(times: Times): Answer {
    const { library } = this.#system;
    const self = { fd: this.fd, name: null };
    return library.answer(library.calls.utimensat(self, timespecs(times), 0));
  }

  setTimesAt(path: string, { follow, times }: { follow: boolean; times: Times }): Answer {
    const { library } = this.#system;
    // Through /proc, because a kernel before 5.8 takes no empty path here, and a link opened by
    // itself cannot be reached through /proc at all.
    if (!follow && !mayFollow(path)) {
      return this.#withParent(path, (place) => {
        const flags = linux.AT_SYMLINK_NOFOLLOW;
        return library.answer(library.calls.utimensat(place, timespecs(times), flags));
      });
    }
    return this.#withPath(path, true, (fd) => {
      const self = { fd: linux.AT_FDCWD, name: cString(`/proc/self/fd/${fd}`) };
      return library.answer(library.calls.utimensat(self, timespecs(times), 0));
    });
  }

  createDirectory(path: string): Answer {
    const { library } = this.#system;
    return this.#withParent(
      path,
      ({ fd, name }) => library.answer(library.calls.mkdirat(fd, name, DIRECTORY_MODE)),
    );
  }

  removeDirectory(path: string): Answer {
    const { library } = this.#system;
    const flags = linux.AT_REMOVEDIR;
    return this.#withParent(
      path,
      ({ fd, name }) => library.answer(library.calls.unlinkat(fd, name, flags)),
    );
  }

  unlink(path: string): Answer {
    const { library } = this.#system;
    return this.#withParent(
      path,
      ({ fd, name }) => library.answer(library.calls.unlinkat(fd, name, 0)),
    );
  }

  rename(path: string, to: { directory: HostDirectory; path: string }): Answer {
    const { library } = this.#system;
    return this.#withParent(
      path,
      (from) =>
        asLibc(to.directory).#withParent(
          to.path,
          (into) => library.answer(library.calls.renameat(from, into)),
        ),
    );
  }

  link(path: string, to: { directory: HostDirectory; path: string }): Answer {
    const { library } = this.#system;
    if (mayFollow(path)) return this.#withPath(path, true, () => -ERRNO.perm);
    return this.#withParent(
      path,
      (from) =>
        asLibc(to.directory).#withParent(
          to.path,
          (into) => library.answer(library.calls.linkat(from, into)),
        ),
    );
  }

  symlink(target: string, path: string): Answer {
    const { library } = this.#system;
    return this.#withParent(
      path,
      ({ fd, name }) => library.answer(library.functions.symlinkat(cString(target), fd, name)),
    );
  }

  readlink(path: string): Uint8Array | Answer {
    const { library } = this.#system;
    if (mayFollow(path)) return this.#withPath(path, true, () => -ERRNO.inval);
    const target = new Uint8Array(PATH_BYTES_MAX);
    const length = this.#withParent(
      path,
      ({ fd, name }) => library.answer(library.calls.readlinkat(fd, name, target)),
    );
    return length < 0 ? length : target.subarray(0, length);
  }

  readEntries(cookie: bigint, visit: (entry: DirectoryEntry) => boolean): Answer {
    const { library } = this.#system;
    if (this.#turn !== undefined) {
      // What was read ahead is of no use: another thread may have moved the position meanwhile.
      return this.#turn.hold(() => {
        return new EntryReader(library, this.fd, { lasts: false }).read(cookie, visit);
      });
    }
    this.#entries ??= new EntryReader(library, this.fd, { lasts: true });
    return this.#entries.read(cookie, visit);
  }

  sync(dataOnly: boolean): Answer {
    const { library } = this.#system;
    const { calls } = library;
    return library.answer(dataOnly ? calls.fdatasync(this.fd) : calls.fsync(this.fd));
  }

  close(): Answer {
    const { library } = this.#system;
    return library.answer(library.functions.close(this.fd));
  }

  /** Opens what a path names, without access to its content, and hands over its descriptor. */
  #withPath(path: string, follow: boolean, use: (fd: number) => Answer): Answer {
    return this.#withBytes(cString(path), follow, use);
  }

  #withBytes(
    path: Uint8Array<ArrayBuffer>,
    follow: boolean,
    use: (fd: number) => Answer,
  ): Answer {
    const flags = linux.O_PATH | (follow ? 0 : O_NOFOLLOW);
    const fd = this.#system.resolve({ directory: this.fd, path, flags });
    if (fd < 0) return fd;
    try {
      return use(fd);
    } finally {
      this.#system.library.functions.close(fd);
    }
  }

  /** Opens the directory of the last name, and hands over both. The name is not looked at. */
  #withParent(path: string, use: (place: At) => Answer): Answer {
    const split = splitLast(path);
    if (typeof split === "number") return -split;
    if (split.name === "..") {
      // ".." cannot be created, removed or renamed; but whether it leads out must be said first.
      const answer = this.#withPath(path, true, () => 0);
      if (answer < 0) return answer;
    }
    const name = cString(split.slash ? `${split.name}/` : split.name);
    if (name.length > PATH_BYTES_MAX) return -ERRNO.nametoolong;
    if (split.parent === "") return use({ fd: this.fd, name });
    const flags = linux.O_PATH | O_DIRECTORY;
    const fd = this.#system.resolve({ directory: this.fd, path: cString(split.parent), flags });
    if (fd < 0) return fd;
    try {
      return use({ fd, name });
    } finally {
      this.#system.library.functions.close(fd);
    }
  }
}

function asLibc(directory: HostDirectory): LibcDirectory {
  if (directory instanceof LibcDirectory) return directory;
  throw new TypeError("Cannot use a directory of another host");
}

/** True if the kernel would follow a link at the end, or go up, whatever its flags say. */
function mayFollow(path: string): boolean {
  return path.endsWith("/") || path === "." || path === ".." || path.endsWith("/.") ||
    path.endsWith("/..");
}

function openFlags(options: OpenOptions): number {
  let flags = options.write ? options.read ? linux.O_RDWR : linux.O_WRONLY : linux.O_RDONLY;
  if (options.create) flags |= linux.O_CREAT;
  if (options.exclusive) flags |= linux.O_EXCL;
  if (options.truncate) flags |= linux.O_TRUNC;
  if (options.directory) flags |= O_DIRECTORY;
  if (!options.follow) flags |= O_NOFOLLOW;
  if ((options.flags & FDFLAG.append) !== 0) flags |= linux.O_APPEND;
  if ((options.flags & FDFLAG.nonblock) !== 0) flags |= linux.O_NONBLOCK;
  if ((options.flags & FDFLAG.dsync) !== 0) flags |= linux.O_DSYNC;
  if ((options.flags & (FDFLAG.rsync | FDFLAG.sync)) !== 0) flags |= linux.O_SYNC;
  return flags;
}
