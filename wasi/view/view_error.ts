import { errnoName } from "../errno.ts";

/** What people read in the place of the errors that a look around meets. */
const TEXTS: Readonly<Record<string, string>> = {
  acces: "Permission denied",
  busy: "Device or resource busy",
  exist: "File exists",
  fbig: "File too large",
  ilseq: "Name is not UTF-8",
  inval: "Invalid argument",
  io: "Input/output error",
  isdir: "Is a directory",
  loop: "Too many levels of symbolic links",
  mfile: "Too many open files",
  nametoolong: "File name too long",
  noent: "No such file or directory",
  nospc: "No space left on device",
  notdir: "Not a directory",
  notempty: "Directory not empty",
  notsup: "Operation not supported",
  perm: "Operation not permitted: the path leads out of the container's view",
  rofs: "Read-only file system",
  spipe: "Illegal seek",
  xdev: "Cross-device link",
};

/** Something that cannot be done in a {@linkcode View}. The message says why; callers name the path. */
export class ViewError extends Error {
  /** Stays the same in a minified program. */
  override readonly name = "ViewError";
  /** The name of the error in WASI preview 1, as `noent`. */
  readonly errno: string;
  /** The path as it was given. */
  readonly path: string;

  /** Takes a number of WASI's `errno`. */
  constructor(errno: number, path: string) {
    const name = errnoName(errno);
    super(TEXTS[name] ?? name);
    this.errno = name;
    this.path = path;
  }
}
