import { DIRENT_BYTES, RIGHT } from "../abi.ts";
import { ERRNO } from "../errno.ts";
import type { DirectoryEntry } from "../host/host.ts";
import { errnoOfAnswer, type GuestState } from "./state.ts";

/** The arguments of `fd_readdir`. */
export interface ReaddirArguments {
  readonly fd: number;
  readonly buffer: number;
  readonly length: number;
  readonly cookie: bigint;
  readonly used: number;
}

/**
 * `fd_readdir`: fills the guest's buffer with entries. The last one may be cut off, which fills the
 * buffer to its end and tells the guest that there are more.
 */
export function readdir({ memory, table }: GuestState, args: ReaddirArguments): number {
  const { directory } = table.get(args.fd);
  if (directory === undefined) return ERRNO.notdir;
  table.require(args.fd, RIGHT.fdReaddir);
  const buffer = memory.bytes(args.buffer, args.length);
  memory.getU32(args.used);
  let used = 0;
  const answer = directory.readEntries(BigInt.asUintN(64, args.cookie), (entry) => {
    const head = dirent(entry);
    const room = buffer.length - used;
    buffer.set(head.subarray(0, room), used);
    const name = entry.name.subarray(0, Math.max(0, room - DIRENT_BYTES));
    if (name.length > 0) buffer.set(name, used + DIRENT_BYTES);
    const bytes = DIRENT_BYTES + entry.name.length;
    used += Math.min(room, bytes);
    return bytes <= room;
  });
  if (answer >= 0) memory.setU32(args.used, used);
  return errnoOfAnswer(answer);
}

function dirent(entry: DirectoryEntry): Uint8Array {
  const head = new DataView(new ArrayBuffer(DIRENT_BYTES));
  head.setBigUint64(0, entry.next, true);
  head.setBigUint64(8, entry.ino, true);
  head.setUint32(16, entry.name.length, true);
  head.setUint8(20, entry.filetype);
  return new Uint8Array(head.buffer);
}
