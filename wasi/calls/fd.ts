import { FDFLAG, FILETYPE, RIGHT, WHENCE } from "../abi.ts";
import type { Descriptor } from "../descriptors/descriptor.ts";
import { ERRNO } from "../errno.ts";
import { FileStat } from "../host/file_stat.ts";
import type { Eventual } from "../host/host.ts";
import { Refusal } from "../refusal.ts";
import { writeFilestat } from "./filestat.ts";
import { checkBits, signed, timesOf, unsigned } from "./numbers.ts";
import { readdir } from "./readdir.ts";
import { type Calls, errnoOfAnswer, type GuestState } from "./state.ts";

const FDFLAGS_ALL = FDFLAG.append | FDFLAG.dsync | FDFLAG.nonblock | FDFLAG.rsync | FDFLAG.sync;
const ADVICE_MAX = 5;

/** `fd_*` that look at a descriptor, or change something about it. */
export function fdCalls(state: GuestState): Calls {
  const { memory, table, layout } = state;
  const stat = new FileStat();

  function seek(
    fd: number,
    { offset, whence, out }: { offset: number; whence: number; out: number },
  ): number {
    const telling = offset === 0 && whence === WHENCE.cur;
    const descriptor = table.get(fd);
    if (descriptor.directory !== undefined) return ERRNO.badf;
    requirePlace(descriptor, telling ? RIGHT.fdTell : RIGHT.fdSeek);
    memory.getU64(out);
    const position = descriptor.seek(offset, whence);
    if (position < 0) return -position;
    memory.setU64(out, BigInt(position));
    return 0;
  }

  return {
    fd_advise(fd: number, offset: bigint, length: bigint, advice: number): number {
      if (advice >>> 0 > ADVICE_MAX) return ERRNO.inval;
      const descriptor = asFile(table.get(fd));
      table.require(fd, RIGHT.fdAdvise);
      return errnoOfAnswer(descriptor.advise(unsigned(offset), unsigned(length), advice));
    },
    fd_allocate(fd: number, offset: bigint, length: bigint): number {
      const descriptor = writable(asFile(table.get(fd)));
      table.require(fd, RIGHT.fdAllocate);
      return errnoOfAnswer(descriptor.allocate(unsigned(offset), unsigned(length)));
    },
    fd_close: (fd: number): number => errnoOfAnswer(table.close(fd)),
    fd_datasync: (fd: number): number =>
      errnoOfAnswer(table.require(fd, RIGHT.fdDatasync).sync(true)),
    fd_fdstat_get(fd: number, out: number): number {
      const descriptor = table.get(fd);
      memory.bytes(out, 24).fill(0);
      memory.setU8(out, descriptor.filetype);
      memory.setU16((out >>> 0) + 2, descriptor.tellFlags());
      table.changed(fd); // a listener that is asked for its flags becomes a non-blocking one
      memory.setU64((out >>> 0) + 8, BigInt(descriptor.rights));
      memory.setU64((out >>> 0) + 16, BigInt(descriptor.inheriting));
      return 0;
    },
    fd_fdstat_set_flags(fd: number, flags: number): number {
      const descriptor = table.require(fd, RIGHT.fdFdstatSetFlags);
      const answer = descriptor.setFlags(checkBits(flags, FDFLAGS_ALL));
      table.changed(fd);
      return errnoOfAnswer(answer);
    },
    fd_fdstat_set_rights(fd: number, base: bigint, inheriting: bigint): number {
      const descriptor = table.get(fd);
      const wanted = [BigInt.asUintN(64, base), BigInt.asUintN(64, inheriting)] as const;
      const more = (wanted[0] & ~BigInt(descriptor.rights)) |
        (wanted[1] & ~BigInt(descriptor.inheriting));
      if (more !== 0n) return ERRNO.notcapable;
      descriptor.rights = Number(wanted[0]);
      descriptor.inheriting = Number(wanted[1]);
      table.changed(fd);
      return 0;
    },
    fd_filestat_get(fd: number, out: number): number {
      const answer = table.require(fd, RIGHT.fdFilestatGet).stat(stat);
      if (answer >= 0) writeFilestat(state, { at: out, stat });
      return errnoOfAnswer(answer);
    },
    fd_filestat_set_size(fd: number, size: bigint): number {
      const descriptor = writable(asFile(table.get(fd)));
      // What was not opened for writing never had the right: the kernel calls that invalid.
      if ((descriptor.rights & RIGHT.fdFilestatSetSize) === 0) return ERRNO.inval;
      return errnoOfAnswer(descriptor.setSize(unsigned(size)));
    },
    fd_filestat_set_times(fd: number, atim: bigint, mtim: bigint, flags: number): number {
      const descriptor = writable(table.require(fd, RIGHT.fdFilestatSetTimes));
      return errnoOfAnswer(descriptor.setTimes(timesOf({ atim, mtim, flags })));
    },
    fd_prestat_get(fd: number, out: number): number {
      const name = table.get(fd).preopenName;
      if (name === undefined) return ERRNO.badf;
      memory.setU32(out, 0); // the tag: a directory
      memory.setU32((out >>> 0) + 4, name.length);
      return 0;
    },
    fd_prestat_dir_name(fd: number, out: number, length: number): number {
      const name = table.get(fd).preopenName;
      if (name === undefined) return ERRNO.badf;
      if (length >>> 0 < name.length) return ERRNO.nametoolong;
      memory.bytes(out, name.length).set(name);
      return 0;
    },
    fd_readdir: (fd: number, buffer: number, length: number, cookie: bigint, used: number) =>
      readdir(state, { fd, buffer, length, cookie, used }),
    fd_renumber(from: number, to: number): number {
      table.renumber(from, to);
      return 0;
    },
    fd_seek(fd: number, offset: bigint, whence: number, out: number): number {
      const known = layout.whence[whence];
      if (known === undefined) return ERRNO.inval;
      return seek(fd, { offset: signed(offset), whence: known, out });
    },
    fd_sync: (fd: number): number => errnoOfAnswer(table.require(fd, RIGHT.fdSync).sync(false)),
    fd_tell: (fd: number, out: number): number => seek(fd, { offset: 0, whence: WHENCE.cur, out }),
  };
}

/** `fd_read` and its kin: bytes between a descriptor and the guest's memory. */
export function transferCalls({ memory, table }: GuestState): Calls {
  /** Tells the guest how many bytes went; `out` was checked before any byte did. */
  function told(answer: Eventual, out: number): Eventual {
    if (typeof answer !== "number") return answer.then((count) => told(count, out));
    if (answer < 0) return -answer;
    memory.setU32(out, answer);
    return 0;
  }
  function place(fd: number, offset: bigint): bigint {
    const descriptor = table.get(fd);
    if (descriptor.directory !== undefined) return offset; // which says itself what it is
    requirePlace(descriptor, RIGHT.fdSeek);
    if (offset < 0n) throw new Refusal(ERRNO.inval); // beyond what any file can hold
    return offset;
  }
  return {
    fd_read(fd: number, vectors: number, count: number, out: number): Eventual {
      const descriptor = table.get(fd);
      const into = memory.vectors(vectors, count);
      memory.getU32(out); // a result that cannot be told must not happen
      return told(descriptor.read(into), out);
    },
    fd_write(fd: number, vectors: number, count: number, out: number): Eventual {
      const descriptor = table.get(fd);
      const from = memory.vectors(vectors, count);
      memory.getU32(out);
      return told(descriptor.write(from), out);
    },
    fd_pread(fd: number, vectors: number, count: number, offset: bigint, out: number): Eventual {
      const at = place(fd, offset);
      const into = memory.vectors(vectors, count);
      memory.getU32(out);
      return told(table.get(fd).pread(into, at), out);
    },
    fd_pwrite(fd: number, vectors: number, count: number, offset: bigint, out: number): Eventual {
      const at = place(fd, offset);
      const from = memory.vectors(vectors, count);
      memory.getU32(out);
      return told(table.get(fd).pwrite(from, at), out);
    },
  };
}

/** A stream never has the rights to seek and tell: there `spipe` is the clearer word. */
function requirePlace(descriptor: Descriptor, right: number): void {
  if ((descriptor.rights & right) !== 0) return;
  const regular = descriptor.filetype === FILETYPE.regularFile;
  throw new Refusal(regular ? ERRNO.notcapable : ERRNO.spipe);
}

function asFile(descriptor: Descriptor): Descriptor {
  if (descriptor.directory !== undefined) throw new Refusal(ERRNO.badf);
  return descriptor;
}

function writable(descriptor: Descriptor): Descriptor {
  if (descriptor.readOnly) throw new Refusal(ERRNO.rofs);
  return descriptor;
}
