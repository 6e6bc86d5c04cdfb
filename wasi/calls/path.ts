import { LOOKUP_SYMLINK_FOLLOW, RIGHT } from "../abi.ts";
import type { Descriptor } from "../descriptors/descriptor.ts";
import { ERRNO } from "../errno.ts";
import { FileStat } from "../host/file_stat.ts";
import type { HostDirectory } from "../host/host.ts";
import { Refusal } from "../refusal.ts";
import { writeFilestat } from "./filestat.ts";
import { checkBits, timesOf } from "./numbers.ts";
import { pathOpen } from "./path_open.ts";
import { type Calls, errnoOfAnswer, type GuestState } from "./state.ts";

/** `path_*`. */
export function pathCalls(state: GuestState): Calls {
  const { memory, table } = state;
  const stat = new FileStat();

  const reading = (fd: number, right: number): HostDirectory =>
    directoryOf(table.get(fd), { right, writes: false });
  const writing = (fd: number, right: number): HostDirectory =>
    directoryOf(table.get(fd), { right, writes: true });

  return {
    path_create_directory(fd: number, path: number, length: number): number {
      const directory = writing(fd, RIGHT.pathCreateDirectory);
      return errnoOfAnswer(directory.createDirectory(memory.text(path, length)));
    },
    path_filestat_get(
      fd: number,
      lookup: number,
      path: number,
      length: number,
      out: number,
    ): number {
      const follow = followOf(lookup);
      const directory = reading(fd, RIGHT.pathFilestatGet);
      const answer = directory.statAt(memory.path(path, length), { follow, out: stat });
      if (answer >= 0) writeFilestat(state, { at: out, stat });
      return errnoOfAnswer(answer);
    },
    path_filestat_set_times(
      fd: number,
      lookup: number,
      path: number,
      length: number,
      atim: bigint,
      mtim: bigint,
      flags: number,
    ): number {
      const follow = followOf(lookup);
      const times = timesOf({ atim, mtim, flags });
      const directory = writing(fd, RIGHT.pathFilestatSetTimes);
      return errnoOfAnswer(directory.setTimesAt(memory.text(path, length), { follow, times }));
    },
    path_link(
      oldFd: number,
      lookup: number,
      oldPath: number,
      oldLength: number,
      newFd: number,
      newPath: number,
      newLength: number,
    ): number {
      // A hard link to what a link names is nothing that POSIX promises; wasmtime refuses it too.
      if (followOf(lookup)) return ERRNO.inval;
      const from = writing(oldFd, RIGHT.pathLinkSource);
      const directory = writing(newFd, RIGHT.pathLinkTarget);
      const path = memory.text(newPath, newLength);
      return errnoOfAnswer(from.link(memory.text(oldPath, oldLength), { directory, path }));
    },
    path_open: (
      fd: number,
      lookup: number,
      path: number,
      length: number,
      oflags: number,
      base: bigint,
      _inheriting: bigint,
      flags: number,
      out: number,
    ): number =>
      pathOpen(state, {
        fd,
        path: memory.path(path, length),
        follow: followOf(lookup),
        oflags,
        base,
        flags,
        out,
      }),
    path_readlink(
      fd: number,
      path: number,
      length: number,
      buffer: number,
      size: number,
      used: number,
    ): number {
      const target = reading(fd, RIGHT.pathReadlink).readlink(memory.text(path, length));
      if (typeof target === "number") return -target;
      const into = memory.bytes(buffer, size);
      const fits = target.subarray(0, into.length);
      into.set(fits);
      memory.setU32(used, fits.length);
      return 0;
    },
    path_remove_directory(fd: number, path: number, length: number): number {
      const directory = writing(fd, RIGHT.pathRemoveDirectory);
      return errnoOfAnswer(directory.removeDirectory(memory.text(path, length)));
    },
    path_rename(
      oldFd: number,
      oldPath: number,
      oldLength: number,
      newFd: number,
      newPath: number,
      newLength: number,
    ): number {
      const from = writing(oldFd, RIGHT.pathRenameSource);
      const directory = writing(newFd, RIGHT.pathRenameTarget);
      const path = memory.text(newPath, newLength);
      return errnoOfAnswer(from.rename(memory.text(oldPath, oldLength), { directory, path }));
    },
    path_symlink(
      target: number,
      targetLength: number,
      fd: number,
      path: number,
      length: number,
    ): number {
      const directory = writing(fd, RIGHT.pathSymlink);
      const text = memory.text(target, targetLength);
      // It would lead out for us, and to somewhere else for whoever shares the folder.
      if (text.startsWith("/")) return ERRNO.perm;
      const link = memory.path(path, length);
      const answer = directory.symlink(text, link.text);
      if (answer !== -ERRNO.exist || !link.text.endsWith("/")) return errnoOfAnswer(answer);
      // Slashes want a directory (POSIX, 4.16): that is told first, which Linux does not do.
      const found = directory.statAt(link, { follow: true, out: stat });
      return found === -ERRNO.notdir ? ERRNO.notdir : ERRNO.exist;
    },
    path_unlink_file(fd: number, path: number, length: number): number {
      const directory = writing(fd, RIGHT.pathUnlinkFile);
      return errnoOfAnswer(directory.unlink(memory.text(path, length)));
    },
  };
}

/** The directory behind a descriptor: else `notdir`; `notcapable` without the right; `rofs`. */
function directoryOf(
  descriptor: Descriptor,
  { right, writes }: { right: number; writes: boolean },
): HostDirectory {
  const { directory } = descriptor;
  if (directory === undefined) throw new Refusal(ERRNO.notdir);
  if ((descriptor.rights & right) === 0) throw new Refusal(ERRNO.notcapable);
  if (writes && descriptor.readOnly) throw new Refusal(ERRNO.rofs);
  return directory;
}

function followOf(lookup: number): boolean {
  return checkBits(lookup, LOOKUP_SYMLINK_FOLLOW) !== 0;
}
