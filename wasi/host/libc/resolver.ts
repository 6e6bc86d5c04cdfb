import { ERRNO } from "../../errno.ts";
import { LINKS_MAX, PATH_BYTES_MAX, RACE_TRIES_MAX } from "../../limits.ts";
import type { Answer } from "../host.ts";
import {
  AT_FDCWD,
  MACHINES,
  O_CLOEXEC,
  O_CREAT,
  O_EXCL,
  O_PATH,
  RESOLVE_INSIDE,
  RESOLVE_NO_SYMLINKS,
} from "./constants.ts";
import type { Library } from "./library.ts";
import { fromLinux } from "./linux_errno.ts";

const { O_DIRECTORY, O_NOFOLLOW } = MACHINES[Deno.build.arch];
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const LINUX_ENOSYS = 38;
const LINUX_EPERM = 1;
const LINUX_EAGAIN = 11;
const LINUX_EXDEV = 18;
const CREATE_MODE = 0o666;
const INSIDE = BigInt(RESOLVE_INSIDE);
const EXACT = BigInt(RESOLVE_INSIDE | RESOLVE_NO_SYMLINKS);

/** What to open under a directory. */
export interface OpenRequest {
  readonly directory: number;
  /** Ends with a NUL. */
  readonly path: Uint8Array<ArrayBuffer>;
  /** `open(2)` flags; with `O_NOFOLLOW` a link at the end is not followed. */
  readonly flags: number;
  /** Refuse any link, at the end too, with `loop`. @default {links are followed} */
  readonly exact?: boolean;
}

/** Opens a path under a directory and never outside of it: the one place that contains guests. */
export type Resolve = (request: OpenRequest) => Answer;

/** Chooses the kernel's `openat2`, or a walk of our own where a kernel or sandbox lacks it. */
export function chooseResolver(library: Library): Resolve {
  const how = new BigUint64Array([BigInt(O_PATH | O_CLOEXEC), 0n, 0n]);
  const path = cString("/");
  const fd = library.calls.openat2(AT_FDCWD, path, how);
  if (fd < 0) {
    const errno = library.linuxErrno();
    return errno === LINUX_ENOSYS || errno === LINUX_EPERM
      ? resolveByWalking(library)
      : resolveInKernel(library);
  }
  library.functions.close(fd);
  return resolveInKernel(library);
}

/** Resolves with `openat2(RESOLVE_BENEATH)`, which no race can lead astray. */
export function resolveInKernel(library: Library): Resolve {
  const how = new BigUint64Array(3);
  return ({ directory, path, flags, exact }) => {
    how[0] = BigInt(flags | O_CLOEXEC);
    how[1] = (flags & O_CREAT) === 0 ? 0n : BigInt(CREATE_MODE);
    how[2] = exact ? EXACT : INSIDE;
    for (let tries = 1;; tries++) {
      const fd = library.calls.openat2(directory, path, how);
      if (fd >= 0) return fd;
      const errno = library.linuxErrno();
      // A directory was renamed while the kernel passed a "..": it cannot tell whether we left.
      if (errno === LINUX_EAGAIN && tries < RACE_TRIES_MAX) continue;
      return errno === LINUX_EXDEV ? -ERRNO.perm : -fromLinux(errno);
    }
  };
}

/**
 * Resolves name by name. Each directory stays open until the end and nothing is opened through a
 * link, so this is as tight as the kernel's way, and slower.
 */
export function resolveByWalking(library: Library): Resolve {
  return ({ directory, path, flags, exact = false }) => {
    if (hasAll(flags, O_CREAT | O_DIRECTORY)) return -ERRNO.inval;
    const text = decoder.decode(path.subarray(0, path.indexOf(0)));
    if (text === "") return -ERRNO.noent;
    if (text.startsWith("/")) return -ERRNO.perm;
    const opened: number[] = [];
    try {
      return walkOpen(library, { directory, text, flags, exact }, opened);
    } finally {
      for (const fd of opened) library.functions.close(fd);
    }
  };
}

function walkOpen(
  library: Library,
  request: Omit<Required<OpenRequest>, "path"> & { readonly text: string },
  opened: number[],
): Answer {
  const { functions } = library;
  const todo = request.text.split("/").reverse();
  let links = 0;
  while (true) {
    const top = opened.at(-1) ?? request.directory;
    const part = todo.pop();
    if (part === undefined) return openAt(library, top, ".", request.flags & ~O_NOFOLLOW);
    if (part === "" || part === ".") continue;
    if (part === "..") {
      const left = opened.pop();
      if (left === undefined) return -ERRNO.perm;
      functions.close(left);
      continue;
    }
    const last = todo.every((rest) => rest === "");
    const slash = last && todo.length > 0;
    const final = last && !slash;
    // Whatever its last name is, the kernel opens nothing to create that is named with a slash.
    if (last && slash && hasAll(request.flags, O_CREAT)) return -ERRNO.isdir;
    const keepsLink = final &&
      (hasAll(request.flags, O_NOFOLLOW) || hasAll(request.flags, O_CREAT | O_EXCL));
    const target = keepsLink ? undefined : readLink(library, top, part);
    if (target !== undefined) {
      if (request.exact || ++links > LINKS_MAX) return -ERRNO.loop;
      if (target.startsWith("/")) return -ERRNO.perm;
      todo.push(...target.split("/").reverse());
      continue;
    }
    if (final) return openAt(library, top, part, request.flags | O_NOFOLLOW);
    const fd = openAt(library, top, part, O_PATH | O_DIRECTORY | O_NOFOLLOW);
    if (fd < 0) return fd;
    opened.push(fd);
  }
}

function hasAll(flags: number, wanted: number): boolean {
  return (flags & wanted) === wanted;
}

function openAt(library: Library, directory: number, name: string, flags: number): Answer {
  const path = cString(name);
  return library.answer(
    library.calls.openat(directory, path, { flags: flags | O_CLOEXEC, mode: CREATE_MODE }),
  );
}

/** The target of a link; undefined for anything else, which the open that follows will judge. */
function readLink(library: Library, directory: number, name: string): string | undefined {
  const target = new Uint8Array(PATH_BYTES_MAX);
  const length = library.calls.readlinkat(directory, cString(name), target);
  return length < 0 ? undefined : decoder.decode(target.subarray(0, length));
}

/** Text as a new NUL-terminated buffer. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text + "\0");
}
