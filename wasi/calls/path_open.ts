import { FDFLAG, OFLAG, RIGHT, RIGHTS_ALL } from "../abi.ts";
import { DirectoryDescriptor } from "../descriptors/directory.ts";
import { FileDescriptor } from "../descriptors/file.ts";
import type { Descriptor } from "../descriptors/descriptor.ts";
import { ERRNO } from "../errno.ts";
import type { GuestPath } from "../host/guest_path.ts";
import type { OpenOptions } from "../host/host.ts";
import { Refusal } from "../refusal.ts";
import { checkBits } from "./numbers.ts";
import type { GuestState } from "./state.ts";

const OFLAGS_ALL = OFLAG.creat | OFLAG.directory | OFLAG.excl | OFLAG.trunc;
const FDFLAGS_ALL = FDFLAG.append | FDFLAG.dsync | FDFLAG.nonblock | FDFLAG.rsync | FDFLAG.sync;

/** The arguments of `path_open`. */
export interface PathOpenArguments {
  readonly fd: number;
  readonly path: GuestPath;
  readonly follow: boolean;
  readonly oflags: number;
  readonly base: bigint;
  readonly flags: number;
  readonly out: number;
}

/**
 * `path_open`. Of the rights that the guest asks for, `fd_read` and `fd_write` say how the file is
 * opened. It gets whatever its kind can do and the directory passes on, but of those two no more than
 * it asked for: programs ask for too little as often as for too much.
 */
export function pathOpen(state: GuestState, args: PathOpenArguments): number {
  const { memory, table } = state;
  const parent = table.get(args.fd);
  const { directory } = parent;
  if (directory === undefined) return ERRNO.notdir;
  memory.getU32(args.out);
  const options = openOptions(parent, args);
  const opened = directory.open(args.path, options);
  if (typeof opened === "number") return -opened;
  const { readOnly, inheriting } = parent;
  const descriptor = opened.type === "directory"
    ? new DirectoryDescriptor(opened, {
      readOnly,
      rights: parent.rights,
      inheriting,
    })
    : new FileDescriptor(opened, { ...options, readOnly, rights: inheriting });
  const fd = table.add(descriptor);
  if (fd < 0) {
    descriptor.close();
    return -fd;
  }
  memory.setU32(args.out, fd);
  return 0;
}

function openOptions(parent: Descriptor, args: PathOpenArguments): OpenOptions {
  const oflags = checkBits(args.oflags, OFLAGS_ALL);
  const asked = Number(BigInt.asUintN(30, args.base)) & RIGHTS_ALL;
  const create = (oflags & OFLAG.creat) !== 0;
  const truncate = (oflags & OFLAG.trunc) !== 0;
  const write = (asked & RIGHT.fdWrite) !== 0;
  const needed = RIGHT.pathOpen | (create ? RIGHT.pathCreateFile : 0) |
    (truncate ? RIGHT.pathFilestatSetSize : 0);
  if ((parent.rights & needed) !== needed) throw new Refusal(ERRNO.notcapable);
  const accesses = asked & (RIGHT.fdRead | RIGHT.fdWrite);
  if ((parent.inheriting & accesses) !== accesses) throw new Refusal(ERRNO.notcapable);
  if (parent.readOnly && (create || truncate || write)) throw new Refusal(ERRNO.rofs);
  return {
    read: (asked & RIGHT.fdRead) !== 0,
    write,
    create,
    truncate,
    exclusive: (oflags & OFLAG.excl) !== 0,
    directory: (oflags & OFLAG.directory) !== 0,
    follow: args.follow,
    flags: checkBits(args.flags, FDFLAGS_ALL),
  };
}
