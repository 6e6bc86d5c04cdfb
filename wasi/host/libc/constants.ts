/**
 * Numbers of Linux, as the kernel's `uapi` headers give them. Those that differ between machines
 * are in {@linkcode Machine}; `statx`, `openat2` and `getdents64` have one layout everywhere.
 *
 * @module
 */

/** What differs between x86_64 and aarch64. */
export interface Machine {
  readonly O_DIRECTORY: number;
  readonly O_NOFOLLOW: number;
  readonly SYS_getdents64: number;
  readonly SYS_statx: number;
}

/** The numbers of each machine that Deno runs on. */
export const MACHINES: Readonly<Record<typeof Deno.build.arch, Machine>> = {
  x86_64: { O_DIRECTORY: 0o200000, O_NOFOLLOW: 0o400000, SYS_getdents64: 217, SYS_statx: 332 },
  aarch64: { O_DIRECTORY: 0o40000, O_NOFOLLOW: 0o100000, SYS_getdents64: 61, SYS_statx: 291 },
};

export const SYS_OPENAT2 = 437;

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

export const POLLIN = 0x1;
export const POLLOUT = 0x4;
export const POLLERR = 0x8;
export const POLLHUP = 0x10;
export const POLLNVAL = 0x20;
