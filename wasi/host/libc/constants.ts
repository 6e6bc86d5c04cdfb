/**
 * Numbers of Linux, as the kernel's `uapi` headers give them. Those that differ between machines
 * are in {@linkcode Machine}; `statx`, `openat2` and `getdents64` have one layout everywhere.
 *
 * @module
 */

/** System calls that are made by their numbers. */
export type CallName =
  | "accept4"
  | "bind"
  | "clock_getres"
  | "connect"
  | "epoll_create1"
  | "epoll_ctl"
  | "epoll_pwait"
  | "fadvise64"
  | "fcntl"
  | "fdatasync"
  | "fsync"
  | "ftruncate"
  | "getdents64"
  | "getpeername"
  | "getsockname"
  | "getsockopt"
  | "linkat"
  | "listen"
  | "mkdirat"
  | "openat"
  | "openat2"
  | "pread64"
  | "preadv"
  | "pwrite64"
  | "pwritev"
  | "read"
  | "readlinkat"
  | "readv"
  | "recvmsg"
  | "renameat"
  | "sched_yield"
  | "sendmsg"
  | "setsockopt"
  | "shutdown"
  | "socket"
  | "statx"
  | "unlinkat"
  | "utimensat"
  | "write"
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
      accept4: 288n,
      bind: 49n,
      clock_getres: 229n,
      connect: 42n,
      epoll_create1: 291n,
      epoll_ctl: 233n,
      epoll_pwait: 281n,
      fadvise64: 221n,
      fcntl: 72n,
      fdatasync: 75n,
      fsync: 74n,
      ftruncate: 77n,
      getdents64: 217n,
      getpeername: 52n,
      getsockname: 51n,
      getsockopt: 55n,
      linkat: 265n,
      listen: 50n,
      mkdirat: 258n,
      openat: 257n,
      openat2: 437n,
      pread64: 17n,
      preadv: 295n,
      pwrite64: 18n,
      pwritev: 296n,
      read: 0n,
      readlinkat: 267n,
      readv: 19n,
      recvmsg: 47n,
      renameat: 264n,
      sched_yield: 24n,
      sendmsg: 46n,
      setsockopt: 54n,
      shutdown: 48n,
      socket: 41n,
      statx: 332n,
      unlinkat: 263n,
      utimensat: 280n,
      write: 1n,
      writev: 20n,
    },
  },
  aarch64: {
    O_DIRECTORY: 0o40000,
    O_NOFOLLOW: 0o100000,
    calls: {
      accept4: 242n,
      bind: 200n,
      clock_getres: 114n,
      connect: 203n,
      epoll_create1: 20n,
      epoll_ctl: 21n,
      epoll_pwait: 22n,
      fadvise64: 223n,
      fcntl: 25n,
      fdatasync: 83n,
      fsync: 82n,
      ftruncate: 46n,
      getdents64: 61n,
      getpeername: 205n,
      getsockname: 204n,
      getsockopt: 209n,
      linkat: 37n,
      listen: 201n,
      mkdirat: 34n,
      openat: 56n,
      openat2: 437n,
      pread64: 67n,
      preadv: 69n,
      pwrite64: 68n,
      pwritev: 70n,
      read: 63n,
      readlinkat: 78n,
      readv: 65n,
      recvmsg: 212n,
      renameat: 38n,
      sched_yield: 124n,
      sendmsg: 211n,
      setsockopt: 208n,
      shutdown: 210n,
      socket: 198n,
      statx: 291n,
      unlinkat: 35n,
      utimensat: 88n,
      write: 64n,
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

/** `RESOLVE_NO_SYMLINKS` of `openat2`. */
export const RESOLVE_NO_SYMLINKS = 0x04;

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

/** `struct epoll_event`: its size, and where the number is in it that comes back. x86_64 packs it. */
export const EPOLL_EVENT = Deno.build.arch === "x86_64"
  ? { bytes: 12, data: 4 }
  : { bytes: 16, data: 8 };
