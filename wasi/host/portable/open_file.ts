import { FDFLAG } from "../../abi.ts";
import type { HostFile, OpenOptions } from "../host.ts";
import { identityOf } from "./look.ts";
import { node } from "./node.ts";
import { PortableFile } from "./portable_file.ts";
import { Swapped } from "./swapped.ts";

/** As the process's umask allows. */
const CREATE_MODE = 0o666;

/**
 * Opens a path of this machine that is no directory and no link; creates it only if `exclusive`.
 * Nothing is changed in a file that exists before `confirm` has agreed to it.
 *
 * Throws what `node:fs` and `confirm` throw, {@linkcode Swapped} if there is a link by now.
 */
export function openFile(
  hostPath: string,
  options: OpenOptions,
  confirm: (fd: number) => void,
): HostFile {
  const descriptors: number[] = [];
  try {
    const fd = open(hostPath, plainFlags(options));
    descriptors.push(fd);
    confirm(fd);
    if (options.truncate) node.fs.ftruncateSync(fd, 0);
    const { flags } = options;
    if (!options.write || (flags & FDFLAG.append) === 0) return new PortableFile(fd, { flags });
    // A second one, because nothing in Deno takes O_APPEND off a descriptor again.
    const { O_WRONLY, O_APPEND } = node.fs.constants;
    const appendFd = open(hostPath, O_WRONLY | O_APPEND | syncFlags(flags));
    descriptors.push(appendFd);
    if (identity(fd) !== identity(appendFd)) throw new Swapped();
    return new PortableFile(fd, { flags, appendFd });
  } catch (error) {
    for (const fd of descriptors) node.fs.closeSync(fd);
    throw error;
  }
}

function open(hostPath: string, flags: number): number {
  const { O_NOFOLLOW = 0, O_NONBLOCK = 0 } = node.fs.constants;
  try {
    // A pipe that nobody else has open would hold up the whole thread here, for ever.
    return node.fs.openSync(hostPath, flags | O_NOFOLLOW | O_NONBLOCK, CREATE_MODE);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ELOOP") throw new Swapped();
    throw error;
  }
}

/** Without O_TRUNC and O_APPEND, which are seen to above. */
function plainFlags(options: OpenOptions): number {
  const { O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_WRONLY } = node.fs.constants;
  const create = options.create && options.exclusive ? O_CREAT | O_EXCL : 0;
  return create | syncFlags(options.flags) |
    (options.write ? options.read ? O_RDWR : O_WRONLY : options.truncate ? O_RDWR : O_RDONLY);
}

function syncFlags(flags: number): number {
  const { O_DSYNC = 0, O_SYNC = 0 } = node.fs.constants;
  return ((flags & (FDFLAG.sync | FDFLAG.rsync)) === 0 ? 0 : O_SYNC) |
    ((flags & FDFLAG.dsync) === 0 ? 0 : O_DSYNC);
}

function identity(fd: number): string {
  return identityOf(node.fs.fstatSync(fd, { bigint: true }));
}
