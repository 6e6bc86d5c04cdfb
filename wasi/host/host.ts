/**
 * What the calls ask of the operating system. Two implementations answer: `libc/` and `portable/`.
 *
 * An {@linkcode Answer} is a count or position from 0 up, or a negated WASI errno. Paths are
 * relative to a directory that is open, and no implementation lets one lead out of it.
 *
 * @module
 */
import type { DirectoryEntry } from "./directory_entry.ts";
import type { FileStat } from "./file_stat.ts";
import type { GuestPath } from "./guest_path.ts";
import type { Vectors } from "../memory.ts";
import type { Answer, Eventual } from "./answer.ts";
import type { HostSocket, SocketSystem } from "./socket.ts";

export type { Answer, DirectoryEntry, Eventual, FileStat };

/** Which implementation. */
export type HostKind = "libc" | "portable";

/** A time to set: nanoseconds since 1970, the present, or leave it. */
export type TimeSetting = bigint | "now" | "keep";

/** The two times of a file that can be set. */
export interface Times {
  /** When it was last read. */
  readonly atim: TimeSetting;
  /** When its content was last changed. */
  readonly mtim: TimeSetting;
}

/** How to open a path. */
export interface OpenOptions {
  readonly read: boolean;
  readonly write: boolean;
  readonly create: boolean;
  readonly exclusive: boolean;
  readonly truncate: boolean;
  /** Refuse anything but a directory. */
  readonly directory: boolean;
  /** Follow a link at the end of the path. */
  readonly follow: boolean;
  /** WASI's `fdflags`. */
  readonly flags: number;
}

/** What files and directories have in common. */
export interface HostEntry {
  stat(out: FileStat): Answer;
  setTimes(times: Times): Answer;
  sync(dataOnly: boolean): Answer;
  close(): Answer;
}

/** An open file, pipe or device. */
export interface HostFile extends HostEntry {
  readonly type: "file";
  /** A number of WASI's `filetype`. */
  readonly filetype: number;
  /** Fills the buffers in order and moves the position. 0 is the end. */
  read(into: Vectors): Eventual;
  /** Writes the buffers in order and moves the position. */
  write(from: Vectors): Eventual;
  /** As {@linkcode read}, at an offset from 0 up; the position stays. */
  pread(into: Vectors, offset: bigint): Answer;
  /** As {@linkcode write}, at an offset from 0 up; the position stays. */
  pwrite(from: Vectors, offset: bigint): Answer;
  /** Moves the position by WASI's `whence` of preview 1 and answers the new one. */
  seek(offset: number, whence: number): Answer;
  setSize(size: number): Answer;
  allocate(offset: number, length: number): Answer;
  /** Takes a number of WASI's `advice`. */
  advise(offset: number, length: number, advice: number): Answer;
  /** Sets `append` and `nonblock` of WASI's `fdflags`. */
  setFlags(flags: number): Answer;
}

/** An open directory: the capability that paths are relative to. */
export interface HostDirectory extends HostEntry {
  readonly type: "directory";
  open(path: GuestPath, options: OpenOptions): HostFile | HostDirectory | Answer;
  statAt(path: GuestPath, options: { follow: boolean; out: FileStat }): Answer;
  setTimesAt(path: string, options: { follow: boolean; times: Times }): Answer;
  createDirectory(path: string): Answer;
  removeDirectory(path: string): Answer;
  unlink(path: string): Answer;
  rename(path: string, to: { directory: HostDirectory; path: string }): Answer;
  link(path: string, to: { directory: HostDirectory; path: string }): Answer;
  symlink(target: string, path: string): Answer;
  readlink(path: string): Uint8Array | Answer;
  /** Visits entries after `cookie` (0: from the start), `.` and `..` too, until told `false`. */
  readEntries(cookie: bigint, visit: (entry: DirectoryEntry) => boolean): Answer;
}

/** One file or socket to wait for. */
export interface Wait {
  readonly file: HostFile | HostSocket;
  readonly interest: "read" | "write";
  /** Set by the host when there is something to tell. */
  ready: { errno: number; bytes: bigint; hangup: boolean } | undefined;
}

/** How to open a directory of this machine. */
export interface OpenRootOptions {
  /** @default {false: links are followed} */
  readonly exact?: boolean;
}

/** A way to the operating system that is open. */
export interface Host {
  /** Which implementation this is. */
  readonly kind: HostKind;
}

/** The operating system, as far as guests need it. */
export interface System extends Host, SocketSystem {
  /**
   * Opens a directory of this machine by a path of its own. An `exact` one must be absolute and is
   * refused with `loop` if there is a link in it.
   */
  openRoot(hostPath: string, options?: OpenRootOptions): HostDirectory | Answer;
  /** Opens a file, pipe or device of this machine for reading, by a path of its own. */
  openFile(hostPath: string): HostFile | Answer;
  /**
   * Standard input, output or error of this process. Closing it does nothing. A guest is told that it is
   * a `terminal`, a character device, if it is one or if that is said here.
   */
  standard(number: 0 | 1 | 2, options?: { readonly terminal?: boolean }): HostFile;
  /** Nanoseconds of a `clockid` of WASI; there are four, from 0 on. */
  clockNs(clock: number): bigint;
  /** Resolution in nanoseconds of a `clockid` of WASI; there are four, from 0 on. */
  resolutionNs(clock: number): bigint;
  /**
   * Blocks this thread until a file is ready or the time has passed; without a timeout until a
   * file is ready. May return early with nothing ready.
   */
  wait(waits: readonly Wait[], timeoutNs: bigint | undefined): Eventual;
  /** The guest has ended: gives back what was kept between two waits. */
  rest?(): void;
  /** Lets other threads run. */
  yield(): void;
}
