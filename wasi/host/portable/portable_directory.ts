import { ERRNO } from "../../errno.ts";
import type { GuestPath } from "../guest_path.ts";
import { RACE_TRIES_MAX } from "../../limits.ts";
import { type Place, walk } from "../../paths.ts";
import { Refusal } from "../../refusal.ts";
import type {
  Answer,
  DirectoryEntry,
  FileStat,
  HostDirectory,
  HostFile,
  OpenOptions,
  Times,
} from "../host.ts";
import type { Ground, Reach } from "./ground.ts";
import { Listing } from "./listing.ts";
import { identityOf, lstat } from "./look.ts";
import { node } from "./node.ts";
import { type Name, nameAt } from "./name.ts";
import { attempt, refusalOf } from "./node_error.ts";
import { openFile } from "./open_file.ts";
import { fill, roundSecondsOf } from "./portable_stat.ts";
import { setTimes } from "./set_times.ts";
import { Swapped } from "./swapped.ts";

/** A {@linkcode Place} with its path on this machine. */
interface Located extends Place {
  readonly reach: Reach;
  readonly hostPath: string;
}

/**
 * A directory without the `openat` that Deno does not have. Each use walks from here one name at a
 * time and follows only links that stay inside; how tight that is depends on its {@linkcode Ground}.
 */
export class PortableDirectory implements HostDirectory {
  readonly type = "directory";
  readonly #ground: Ground;
  #listing: Listing | undefined;

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  open({ text: path }: GuestPath, options: OpenOptions): HostFile | HostDirectory | Answer {
    if (options.create && options.directory) return -ERRNO.inval;
    try {
      const follow = options.follow && !(options.create && options.exclusive);
      return retrying(() => {
        using reach = this.#ground.reach();
        const place = this.#locate(reach, path, { follow, create: options.create });
        return typeof place === "number" ? -place : this.#openPlace(place, path, options);
      });
    } catch (error) {
      return refusalOf(error);
    }
  }

  stat(out: FileStat): Answer {
    return this.#at(".", { follow: true }, ({ hostPath }) => fill(lstat(hostPath), out));
  }

  statAt({ text: path }: GuestPath, { follow, out }: { follow: boolean; out: FileStat }): Answer {
    return this.#at(path, { follow }, ({ hostPath }) => fill(lstat(hostPath), out));
  }

  setTimes(times: Times): Answer {
    return this.setTimesAt(".", { follow: true, times });
  }

  setTimesAt(path: string, { follow, times }: { follow: boolean; times: Times }): Answer {
    // As in Linux: nothing is to be done to a name, so that nobody looks whether it is there.
    if (!follow && times.atim === "keep" && times.mtim === "keep" && !/(^|\/)\.{0,2}$/.test(path)) {
      return this.#atName(path, () => 0);
    }
    return this.#at(path, { follow }, ({ hostPath }) => {
      const wanted = setTimes.wanted(times, lstat(hostPath));
      node.fs.lutimesSync(hostPath, ...roundSecondsOf(wanted));
      setTimes.remember(wanted, lstat(hostPath));
    });
  }

  createDirectory(path: string): Answer {
    return this.#atName(path, ({ kind, hostPath, dots }) => {
      if (dots !== undefined || kind.is !== "missing") return -ERRNO.exist;
      node.fs.mkdirSync(hostPath);
    });
  }

  removeDirectory(path: string): Answer {
    return this.#atName(path, ({ kind, hostPath, dots }) => {
      if (dots !== undefined) return dots === "." ? -ERRNO.inval : -ERRNO.notempty;
      if (kind.is === "missing") return -ERRNO.noent;
      if (kind.is !== "directory") return -ERRNO.notdir;
      node.fs.rmdirSync(hostPath);
    });
  }

  unlink(path: string): Answer {
    return this.#atName(path, ({ kind, hostPath, dots, slash }) => {
      if (kind.is === "missing") return -ERRNO.noent;
      if (dots !== undefined || kind.is === "directory") return -ERRNO.isdir;
      if (slash) return -ERRNO.notdir;
      node.fs.unlinkSync(hostPath);
    });
  }

  rename(path: string, to: { directory: HostDirectory; path: string }): Answer {
    return this.#atName(path, (from) =>
      asPortable(to.directory).#atName(to.path, (into) => {
        if (from.dots !== undefined || into.dots !== undefined) return -ERRNO.busy;
        if (from.kind.is === "missing") return -ERRNO.noent;
        if (from.kind.is !== "directory" && (from.slash || into.slash)) return -ERRNO.notdir;
        node.fs.renameSync(from.hostPath, into.hostPath);
      }));
  }

  link(path: string, to: { directory: HostDirectory; path: string }): Answer {
    return this.#at(path, {}, (from) =>
      asPortable(to.directory).#atName(to.path, (into) => {
        if (into.dots !== undefined || into.kind.is !== "missing") return -ERRNO.exist;
        if (into.slash) return -ERRNO.noent;
        if (from.kind.is === "directory") return -ERRNO.perm;
        node.fs.linkSync(from.hostPath, into.hostPath);
      }));
  }

  symlink(target: string, path: string): Answer {
    return this.#atName(path, ({ kind, hostPath, dots, slash }) => {
      if (target === "") return -ERRNO.noent;
      if (dots !== undefined || kind.is !== "missing") return -ERRNO.exist;
      if (slash) return -ERRNO.noent;
      node.fs.symlinkSync(target, hostPath);
    });
  }

  readlink(path: string): Uint8Array | Answer {
    let target = "";
    const answer = this.#at(path, {}, ({ kind }) => {
      if (kind.is !== "link") return -ERRNO.inval;
      target = kind.target;
    });
    return answer < 0 ? answer : new TextEncoder().encode(target);
  }

  readEntries(cookie: bigint, visit: (entry: DirectoryEntry) => boolean): Answer {
    return this.#at(".", { follow: true }, ({ hostPath }) => {
      if (cookie === 0n || this.#listing === undefined) this.#listing = new Listing(hostPath);
      return this.#listing.read(cookie, visit);
    });
  }

  sync(): Answer {
    if (Deno.build.os === "windows") return 0; // which cannot open directories
    return this.#at(".", {}, ({ hostPath }) => {
      const fd = node.fs.openSync(hostPath, node.fs.constants.O_RDONLY);
      try {
        node.fs.fsyncSync(fd);
      } finally {
        node.fs.closeSync(fd);
      }
    });
  }

  close(): Answer {
    return attempt(() => this.#ground.close());
  }

  #openPlace(
    place: Located,
    path: string,
    options: OpenOptions,
  ): HostFile | HostDirectory | Answer {
    const { kind, hostPath, mustBeDirectory } = place;
    const confirmed = (follow: boolean) => (fd: number): void => {
      if (!this.#ground.tight && !this.#stillNames(path, { follow, fd })) throw new Swapped();
    };
    if (kind.is === "missing") {
      if (!options.create) return -ERRNO.noent;
      return mustBeDirectory ? -ERRNO.isdir : create(hostPath, options, confirmed(false));
    }
    if (options.create && options.exclusive) return -ERRNO.exist;
    if (kind.is === "link") return options.directory ? -ERRNO.notdir : -ERRNO.loop;
    if (kind.is === "directory") {
      if (options.write || options.create || options.truncate) return -ERRNO.isdir;
      return new PortableDirectory(this.#ground.descend(place.reach, place.parts));
    }
    if (mustBeDirectory || options.directory) return -ERRNO.notdir;
    return openFile(hostPath, { ...options, create: false }, confirmed(options.follow));
  }

  /** True if the path, walked once more, names the very file that was opened. */
  #stillNames(path: string, { follow, fd }: { follow: boolean; fd: number }): boolean {
    using reach = this.#ground.reach();
    const place = this.#locate(reach, path, { follow });
    if (typeof place === "number" || place.kind.is !== "other") return false;
    return identityOf(lstat(place.hostPath)) ===
      identityOf(node.fs.fstatSync(fd, { bigint: true }));
  }

  /** Walks to a path, at which something must be, and acts there. */
  #at(
    path: string,
    { follow = false }: { follow?: boolean },
    act: (place: Located) => Answer | void,
  ): Answer {
    return attempt(() =>
      retrying(() => {
        using reach = this.#ground.reach();
        const place = this.#locate(reach, path, { follow });
        if (typeof place === "number") return -place;
        const { kind, mustBeDirectory } = place;
        if (kind.is === "missing") return -ERRNO.noent;
        if (mustBeDirectory && kind.is !== "directory") return -ERRNO.notdir;
        return act(place);
      })
    );
  }

  /** Walks to the directory of the last name and acts there on the name, whatever it names. */
  #atName(path: string, act: (name: Name) => Answer | void): Answer {
    return attempt(() =>
      retrying(() => {
        using reach = this.#ground.reach();
        const name = nameAt(reach, path);
        return typeof name === "number" ? -name : act(name);
      })
    );
  }

  #locate(
    reach: Reach,
    path: string,
    options: { readonly follow: boolean; readonly create?: boolean },
  ): Located | number {
    const place = walk(path, { ...options, look: (parts) => reach.look(parts) });
    if (typeof place === "number") return place;
    return { ...place, reach, hostPath: reach.pathOf(place.parts) };
  }
}

function create(
  hostPath: string,
  options: OpenOptions,
  confirm: (fd: number) => void,
): HostFile {
  try {
    // So no link at the end is followed, even if it appeared since we looked.
    return openFile(hostPath, { ...options, exclusive: true }, confirm);
  } catch (error) {
    if (options.exclusive || refusalOf(error) !== -ERRNO.exist) throw error;
    throw new Swapped();
  }
}

/** Does it again while names are swapped under our feet, and gives up with `again`. */
function retrying<T>(action: () => T): T {
  for (let tries = 1;; tries++) {
    try {
      return action();
    } catch (error) {
      if (!(error instanceof Swapped)) throw error;
      if (tries === RACE_TRIES_MAX) throw new Refusal(ERRNO.again);
    }
  }
}

function asPortable(directory: HostDirectory): PortableDirectory {
  if (directory instanceof PortableDirectory) return directory;
  throw new TypeError("Cannot use a directory of another host");
}
