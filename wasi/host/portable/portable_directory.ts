import type { BigIntStats } from "node:fs";
import { ERRNO } from "../../errno.ts";
import { RACE_TRIES_MAX } from "../../limits.ts";
import { type Kind, type Place, splitLast, walk } from "../../paths.ts";
import type {
  Answer,
  DirectoryEntry,
  FileStat,
  HostDirectory,
  HostFile,
  OpenOptions,
  Times,
} from "../host.ts";
import { Listing } from "./listing.ts";
import { node } from "./node.ts";
import { attempt, refusalOf } from "./node_error.ts";
import { PortableFile } from "./portable_file.ts";
import { datesOf, fill } from "./portable_stat.ts";

/** A {@linkcode Place} with its path on this machine. */
interface Located extends Place {
  readonly hostPath: string;
}

/**
 * A directory by its path: Deno has no `openat`. Each use walks from the preopened root and follows
 * only links that stay inside; a directory whose path names another one by now is `stale`.
 *
 * Somebody who swaps names at the same time can still lead it astray. {@linkcode open} compares what
 * it opened with what the path names, which makes that rare, not impossible. The libc host has no
 * such gap.
 */
export class PortableDirectory implements HostDirectory {
  readonly type = "directory";
  readonly #root: string;
  readonly #parts: readonly string[];
  readonly #identity: string;
  #listing: Listing | undefined;

  /** Throws what `node:fs` throws if there is no such directory. */
  constructor(root: string, parts: readonly string[] = []) {
    this.#root = root;
    this.#parts = parts;
    this.#identity = identityOf(lstat(node.path.join(root, ...parts)));
  }

  open(path: string, options: OpenOptions): HostFile | HostDirectory | Answer {
    if (options.create && options.directory) return -ERRNO.inval;
    for (let tries = 0; tries < RACE_TRIES_MAX; tries++) {
      try {
        const result = this.#openOnce(path, options);
        if (result !== "again") return result;
      } catch (error) {
        return refusalOf(error);
      }
    }
    return -ERRNO.again;
  }

  stat(out: FileStat): Answer {
    return this.#at(".", { follow: true }, ({ hostPath }) => fill(lstat(hostPath), out));
  }

  statAt(path: string, { follow, out }: { follow: boolean; out: FileStat }): Answer {
    return this.#at(path, { follow }, ({ hostPath }) => fill(lstat(hostPath), out));
  }

  setTimes(times: Times): Answer {
    return this.setTimesAt(".", { follow: true, times });
  }

  setTimesAt(path: string, { follow, times }: { follow: boolean; times: Times }): Answer {
    return this.#at(path, { follow }, ({ hostPath }) => {
      node.fs.lutimesSync(hostPath, ...datesOf(times, lstat(hostPath)));
    });
  }

  createDirectory(path: string): Answer {
    return this.#at(path, { missing: true }, ({ kind, hostPath }) => {
      if (kind.is !== "missing") return -ERRNO.exist;
      node.fs.mkdirSync(hostPath);
    });
  }

  removeDirectory(path: string): Answer {
    const end = dotsAtEnd(path);
    return this.#at(path, {}, ({ kind, hostPath }) => {
      if (end !== undefined) return end === "." ? -ERRNO.inval : -ERRNO.notempty;
      if (kind.is !== "directory") return -ERRNO.notdir;
      node.fs.rmdirSync(hostPath);
    });
  }

  unlink(path: string): Answer {
    return this.#at(path, {}, ({ kind, hostPath }) => {
      if (kind.is === "directory") return -ERRNO.isdir;
      node.fs.unlinkSync(hostPath);
    });
  }

  rename(path: string, to: { directory: HostDirectory; path: string }): Answer {
    const dots = (dotsAtEnd(path) ?? dotsAtEnd(to.path)) !== undefined;
    return this.#at(
      path,
      {},
      (from) =>
        asPortable(to.directory).#at(to.path, { missing: true }, (into) => {
          if (dots) return -ERRNO.busy;
          if (from.kind.is !== "directory" && into.mustBeDirectory) return -ERRNO.notdir;
          node.fs.renameSync(from.hostPath, into.hostPath);
        }),
    );
  }

  link(path: string, to: { directory: HostDirectory; path: string }): Answer {
    return this.#at(
      path,
      {},
      (from) =>
        asPortable(to.directory).#at(to.path, { missing: true }, (into) => {
          if (into.kind.is !== "missing") return -ERRNO.exist;
          if (from.kind.is === "directory") return -ERRNO.perm;
          if (into.mustBeDirectory) return -ERRNO.noent;
          node.fs.linkSync(from.hostPath, into.hostPath);
        }),
    );
  }

  symlink(target: string, path: string): Answer {
    return this.#at(path, { missing: true }, ({ kind, mustBeDirectory, hostPath }) => {
      if (kind.is !== "missing") return -ERRNO.exist;
      if (mustBeDirectory || target === "") return -ERRNO.noent;
      node.fs.symlinkSync(target, hostPath);
    });
  }

  readlink(path: string): Uint8Array | Answer {
    const place = this.#locate(path, { follow: false });
    if (typeof place === "number") return -place;
    if (place.kind.is === "missing") return -ERRNO.noent;
    return place.kind.is === "link" ? new TextEncoder().encode(place.kind.target) : -ERRNO.inval;
  }

  readEntries(cookie: bigint, visit: (entry: DirectoryEntry) => boolean): Answer {
    return this.#at(".", { follow: true }, ({ hostPath }) => {
      if (cookie === 0n || this.#listing === undefined) this.#listing = new Listing(hostPath);
      return this.#listing.read(cookie, visit);
    });
  }

  sync(): Answer {
    return 0;
  }

  close(): Answer {
    return 0;
  }

  #openOnce(
    path: string,
    options: OpenOptions,
  ): HostFile | HostDirectory | Answer | "again" {
    const follow = options.follow && !(options.create && options.exclusive);
    const place = this.#locate(path, { follow });
    if (typeof place === "number") return -place;
    const { kind, hostPath, mustBeDirectory } = place;
    if (kind.is === "missing") {
      if (!options.create) return -ERRNO.noent;
      return mustBeDirectory ? -ERRNO.isdir : this.#create(hostPath, path, options);
    }
    if (options.create && options.exclusive) return -ERRNO.exist;
    if (kind.is === "link") return -ERRNO.loop;
    if (kind.is === "directory") {
      if (options.write || options.create || options.truncate) return -ERRNO.isdir;
      return new PortableDirectory(this.#root, [...this.#parts, ...place.parts]);
    }
    if (mustBeDirectory || options.directory) return -ERRNO.notdir;
    const fd = node.fs.openSync(hostPath, openFlags(options));
    if (!this.#stillNames(path, { follow, fd })) {
      node.fs.closeSync(fd);
      return "again";
    }
    // Only now, because until now it might have been somebody else's file.
    if (options.truncate) node.fs.ftruncateSync(fd, 0);
    return new PortableFile(fd, { flags: options.flags });
  }

  #create(hostPath: string, path: string, options: OpenOptions): HostFile | "again" {
    let fd: number;
    try {
      // With O_EXCL no link at the end is followed, even if it appeared since we looked.
      fd = node.fs.openSync(
        hostPath,
        openFlags(options) | node.fs.constants.O_CREAT | node.fs.constants.O_EXCL,
        0o666,
      );
    } catch (error) {
      if (refusalOf(error) === -ERRNO.exist && !options.exclusive) return "again";
      throw error;
    }
    if (this.#stillNames(path, { follow: false, fd })) {
      return new PortableFile(fd, { flags: options.flags });
    }
    node.fs.closeSync(fd);
    return "again";
  }

  /** True if the path, walked once more, names the very file that was opened. */
  #stillNames(path: string, { follow, fd }: { follow: boolean; fd: number }): boolean {
    const place = this.#locate(path, { follow });
    if (typeof place === "number" || place.kind.is !== "other") return false;
    return identityOf(lstat(place.hostPath)) ===
      identityOf(node.fs.fstatSync(fd, { bigint: true }));
  }

  /** Walks to a path and acts there. Unless `missing` is allowed, something must be there. */
  #at(
    path: string,
    { follow = false, missing = false }: { follow?: boolean; missing?: boolean },
    act: (place: Located) => Answer | void,
  ): Answer {
    return attempt(() => {
      const place = this.#locate(path, { follow });
      if (typeof place === "number") return -place;
      const { kind, mustBeDirectory } = place;
      if (!missing && kind.is === "missing") return -ERRNO.noent;
      if (mustBeDirectory && kind.is === "other") return -ERRNO.notdir;
      return act(place);
    });
  }

  #locate(path: string, { follow }: { follow: boolean }): Located | number {
    const stale = this.#checkOwnPath();
    if (stale !== 0) return stale;
    const base = node.path.join(this.#root, ...this.#parts);
    const place = walk(path, {
      follow,
      look: (parts) => look(node.path.join(base, ...parts), parts),
    });
    return typeof place === "number"
      ? place
      : { ...place, hostPath: node.path.join(base, ...place.parts) };
  }

  /**
   * A guest may have renamed this directory and put a link in its place. Links before the last name
   * do not matter: whichever way leads there, it is the same directory.
   */
  #checkOwnPath(): number {
    if (this.#parts.length === 0) return 0;
    const answer = attempt(() => {
      const stats = lstat(node.path.join(this.#root, ...this.#parts));
      if (identityOf(stats) !== this.#identity) return -ERRNO.stale;
    });
    return -answer;
  }
}

function look(hostPath: string, parts: readonly string[]): Kind {
  const windows = Deno.build.os === "windows";
  if (windows && /[\\:]/.test(parts.at(-1)!)) return { is: "missing" };
  const stats = node.fs.lstatSync(hostPath, { throwIfNoEntry: false });
  if (stats === undefined) return { is: "missing" };
  if (stats.isDirectory()) return { is: "directory" };
  if (!stats.isSymbolicLink()) return { is: "other" };
  let target: string;
  try {
    target = node.fs.readlinkSync(hostPath);
  } catch (error) {
    if (refusalOf(error) !== -ERRNO.inval) throw error;
    return { is: "missing" }; // it was a link a moment ago
  }
  return { is: "link", target: windows ? target.replaceAll("\\", "/") : target };
}

function lstat(hostPath: string): BigIntStats {
  return node.fs.lstatSync(hostPath, { bigint: true });
}

function identityOf(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}`;
}

function asPortable(directory: HostDirectory): PortableDirectory {
  if (directory instanceof PortableDirectory) return directory;
  throw new TypeError("Cannot use a directory of another host");
}

/** `.` or `..` if the path ends in one: the kernel refuses to remove or rename those. */
function dotsAtEnd(path: string): string | undefined {
  const split = splitLast(path);
  if (typeof split === "number") return undefined;
  return split.name === "." || split.name === ".." ? split.name : undefined;
}

/** Without O_CREAT, O_TRUNC and O_APPEND, which are done by hand. */
function openFlags(options: OpenOptions): number {
  if (!options.write) {
    return options.truncate ? node.fs.constants.O_RDWR : node.fs.constants.O_RDONLY;
  }
  return options.read ? node.fs.constants.O_RDWR : node.fs.constants.O_WRONLY;
}
