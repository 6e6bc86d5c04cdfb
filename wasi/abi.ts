/**
 * Numbers and layouts of WASI preview 1, from `wasi_snapshot_preview1.witx` and, for the older
 * names, `wasi_unstable.witx`.
 *
 * @module
 */

/** `filetype`. */
export const FILETYPE = {
  unknown: 0,
  blockDevice: 1,
  characterDevice: 2,
  directory: 3,
  regularFile: 4,
  socketDgram: 5,
  socketStream: 6,
  symbolicLink: 7,
} as const;

/** Bits of `rights`. All of them fit into 30 bits, so a number holds them. */
export const RIGHT = {
  fdDatasync: 1 << 0,
  fdRead: 1 << 1,
  fdSeek: 1 << 2,
  fdFdstatSetFlags: 1 << 3,
  fdSync: 1 << 4,
  fdTell: 1 << 5,
  fdWrite: 1 << 6,
  fdAdvise: 1 << 7,
  fdAllocate: 1 << 8,
  pathCreateDirectory: 1 << 9,
  pathCreateFile: 1 << 10,
  pathLinkSource: 1 << 11,
  pathLinkTarget: 1 << 12,
  pathOpen: 1 << 13,
  fdReaddir: 1 << 14,
  pathReadlink: 1 << 15,
  pathRenameSource: 1 << 16,
  pathRenameTarget: 1 << 17,
  pathFilestatGet: 1 << 18,
  pathFilestatSetSize: 1 << 19,
  pathFilestatSetTimes: 1 << 20,
  fdFilestatGet: 1 << 21,
  fdFilestatSetSize: 1 << 22,
  fdFilestatSetTimes: 1 << 23,
  pathSymlink: 1 << 24,
  pathRemoveDirectory: 1 << 25,
  pathUnlinkFile: 1 << 26,
  pollFdReadwrite: 1 << 27,
  sockShutdown: 1 << 28,
  sockAccept: 1 << 29,
} as const;

/** Every right there is. */
export const RIGHTS_ALL = (1 << 30) - 1;

/** What can be done with a file that was opened for reading and writing. */
export const RIGHTS_FILE = RIGHT.fdDatasync | RIGHT.fdRead | RIGHT.fdSeek |
  RIGHT.fdFdstatSetFlags | RIGHT.fdSync | RIGHT.fdTell | RIGHT.fdWrite | RIGHT.fdAdvise |
  RIGHT.fdAllocate | RIGHT.fdFilestatGet | RIGHT.fdFilestatSetSize | RIGHT.fdFilestatSetTimes |
  RIGHT.pollFdReadwrite;

/** What a file loses that was not opened for writing. */
export const RIGHTS_WRITING = RIGHT.fdWrite | RIGHT.fdAllocate | RIGHT.fdFilestatSetSize;

/** What can be done with a directory. */
export const RIGHTS_DIRECTORY = RIGHTS_ALL &
  ~(RIGHT.fdRead | RIGHT.fdSeek | RIGHT.fdTell | RIGHT.fdWrite | RIGHT.fdAdvise |
    RIGHT.fdAllocate | RIGHT.fdFilestatSetSize | RIGHT.pollFdReadwrite | RIGHT.sockShutdown |
    RIGHT.sockAccept);

/** What can be done with a pipe or terminal. No seek and no tell: that makes it a tty to libc. */
export const RIGHTS_STREAM = RIGHTS_FILE &
  ~(RIGHT.fdSeek | RIGHT.fdTell | RIGHT.fdAdvise | RIGHTS_WRITING | RIGHT.fdRead);

/** What can be done with a connection, and with a socket of datagrams. */
export const RIGHTS_CONNECTION = RIGHT.fdRead | RIGHT.fdWrite | RIGHT.fdFdstatSetFlags |
  RIGHT.fdFilestatGet | RIGHT.pollFdReadwrite | RIGHT.sockShutdown;

/** What can be done with a socket that takes connections. */
export const RIGHTS_LISTENER = RIGHT.fdFdstatSetFlags | RIGHT.fdFilestatGet |
  RIGHT.pollFdReadwrite | RIGHT.sockShutdown | RIGHT.sockAccept;

/** `fdflags`. */
export const FDFLAG = { append: 1, dsync: 2, nonblock: 4, rsync: 8, sync: 16 } as const;

/** `oflags`. */
export const OFLAG = { creat: 1, directory: 2, excl: 4, trunc: 8 } as const;

/** `lookupflags`. */
export const LOOKUP_SYMLINK_FOLLOW = 1;

/** `fstflags`. */
export const FSTFLAG = { atim: 1, atimNow: 2, mtim: 4, mtimNow: 8 } as const;

/** `clockid`. */
export const CLOCK = { realtime: 0, monotonic: 1, processCputime: 2, threadCputime: 3 } as const;

/** `eventtype`. */
export const EVENT = { clock: 0, fdRead: 1, fdWrite: 2 } as const;

/** `subclockflags`: the timeout is a point in time. */
export const SUBCLOCK_ABSTIME = 1;

/** `eventrwflags`: the other side has hung up. */
export const EVENT_HANGUP = 1;

/** `riflags`. */
export const RIFLAG = { peek: 1, waitAll: 2 } as const;

/** `roflags`: the datagram was longer than the buffers. */
export const ROFLAG_TRUNCATED = 1;

/** `sdflags`. */
export const SDFLAG = { receive: 1, send: 2 } as const;

/** `whence`, in the order of preview 1. */
export const WHENCE = { set: 0, cur: 1, end: 2 } as const;

/** Bytes of a `dirent` before its name. */
export const DIRENT_BYTES = 24;

/** Bytes of an `event`. */
export const EVENT_BYTES = 32;

/** Where the two generations of the interface differ. Everything else has one layout. */
export interface Layout {
  /** The `whence` of this generation, by its own number. */
  readonly whence: readonly number[];
  /** `filestat`: nlink grew from 32 to 64 bits, which moved what follows. */
  readonly filestat: { readonly nlinkBytes: 4 | 8; readonly nlink: number; readonly size: number };
  /** `subscription`: the clock lost its `identifier`, so its fields begin earlier. */
  readonly subscription: { readonly bytes: number; readonly clock: number };
}

/** `wasi_snapshot_preview1`. */
export const PREVIEW1: Layout = {
  whence: [WHENCE.set, WHENCE.cur, WHENCE.end],
  filestat: { nlinkBytes: 8, nlink: 24, size: 32 },
  subscription: { bytes: 48, clock: 16 },
};

/** `wasi_unstable`, the generation before. */
export const UNSTABLE: Layout = {
  whence: [WHENCE.cur, WHENCE.end, WHENCE.set],
  filestat: { nlinkBytes: 4, nlink: 20, size: 24 },
  subscription: { bytes: 56, clock: 24 },
};

/** The names of the 46 functions of preview 1. */
export const CALL_NAMES: ReadonlySet<string> = new Set(
  ("args_get args_sizes_get clock_res_get clock_time_get environ_get environ_sizes_get " +
    "fd_advise fd_allocate fd_close fd_datasync fd_fdstat_get fd_fdstat_set_flags " +
    "fd_fdstat_set_rights fd_filestat_get fd_filestat_set_size fd_filestat_set_times fd_pread " +
    "fd_prestat_dir_name fd_prestat_get fd_pwrite fd_read fd_readdir fd_renumber fd_seek fd_sync " +
    "fd_tell fd_write path_create_directory path_filestat_get path_filestat_set_times path_link " +
    "path_open path_readlink path_remove_directory path_rename path_symlink path_unlink_file " +
    "poll_oneoff proc_exit proc_raise random_get sched_yield sock_accept sock_recv sock_send " +
    "sock_shutdown").split(" "),
);

/** The names of WasmEdge's socket extension, which it has in the namespace of preview 1. */
export const SOCKET_CALL_NAMES: ReadonlySet<string> = new Set(
  ("sock_bind sock_connect sock_getaddrinfo sock_getlocaladdr sock_getpeeraddr sock_getsockopt " +
    "sock_listen sock_open sock_recv_from sock_send_to sock_setsockopt").split(" "),
);
