/**
 * Numbers of Linux, as the kernel's `uapi` headers give them. Those that differ between machines
 * are in {@linkcode Machine}; `statx`, `openat2` and `getdents64` have one layout everywhere.
 *
 * @module
 */

/** System calls that are made by their numbers. */
export type CallName =
  | "clock_getres"
  | "fadvise64"
  | "fcntl"
  | "fdatasync"
  | "fsync"
  | "ftruncate"
  | "getdents64"
  | "linkat"
  | "mkdirat"
  | "openat"
  | "openat2"
  | "preadv"
  | "pwritev"
  | "readlinkat"
  | "readv"
  | "renameat"
  | "sched_yield"
  | "statx"
  | "unlinkat"
  | "utimensat"
  | "writev";

/** What differs between x86_64 and aarch64. */
export interface Machine {
  readonly O_DIRECTORY: number;
  readonly O_NOFOLLOW: number;
  /** As the parameters of `syscall` are: 64 bits wide. */
  readonly calls: Readonly<Record<CallName, bigint>>;
}

/** The numbers of each machine that Deno runs on. */
export const MACHINES: Readonly<Record<typeof Deno.build.arch, Machine>> = {
  x86_64: {
    O_DIRECTORY: 0o200000,
    O_NOFOLLOW: 0o400000,
    calls: {
      clock_getres: 229n,
      fadvise64: 221n,
      fcntl: 72n,
      fdatasync: 75n,
      fsync: 74n,
      ftruncate: 77n,
      getdents64: 217n,
      linkat: 265n,
      mkdirat: 258n,
      openat: 257n,
      openat2: 437n,
      preadv: 295n,
      pwritev: 296n,
      readlinkat: 267n,
      readv: 19n,
      renameat: 264n,
      sched_yield: 24n,
      statx: 332n,
      unlinkat: 263n,
      utimensat: 280n,
      writev: 20n,
    },
  },
  aarch64: {
    O_DIRECTORY: 0o40000,
    O_NOFOLLOW: 0o100000,
    calls: {
      clock_getres: 114n,
      fadvise64: 223n,
      fcntl: 25n,
      fdatasync: 83n,
      fsync: 82n,
      ftruncate: 46n,
      getdents64: 61n,
      linkat: 37n,
      mkdirat: 34n,
      openat: 56n,
      openat2: 437n,
      preadv: 69n,
      pwritev: 70n,
      readlinkat: 78n,
      readv: 65n,
      renameat: 38n,
      sched_yield: 124n,
      statx: 291n,
      unlinkat: 35n,
      utimensat: 88n,
      writev: 66n,
    },
  },
};

export const AT_FDCWD = -100;
export const AT_SYMLINK_NOFOLLOW = 0x100;
export const AT_REMOVEDIR = 0x200;
export const AT_EMPTY_PATH = 0x1000;

export const O_RDONLY = 0;
export const O_WRONLY = 1;
export const O_RDWR = 2;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_TRUNC = 0o1000;
export const O_APPEND = 0o2000;
export const O_NONBLOCK = 0o4000;
export const O_DSYNC = 0o10000;
export const O_CLOEXEC = 0o2000000;
export const O_SYNC = 0o4010000;
export const O_PATH = 0o10000000;

/** `RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS` of `openat2`. */
export const RESOLVE_INSIDE = 0x08 | 0x02;

export const F_SETFL = 4;
export const FIONREAD = 0x541b;
export const STATX_BASIC_STATS = 0x7ff;
export const UTIME_NOW = 0x3fffffffn;
export const UTIME_OMIT = 0x3ffffffen;

/** `sizeof(struct pollfd)`. */
export const POLLFD_BYTES = 8;
export const POLLIN = 0x1;
export const POLLOUT = 0x4;
export const POLLERR = 0x8;
export const POLLHUP = 0x10;
export const POLLNVAL = 0x20;
