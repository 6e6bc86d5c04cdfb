import { RIGHT } from "../abi.ts";
import { ERRNO } from "../errno.ts";
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
  memory.getU32(args.used);
  const out = memory.dirents(args.buffer, args.length);
  const answer = directory.readEntries(BigInt.asUintN(64, args.cookie), (entry) => out.add(entry));
  if (answer >= 0) memory.setU32(args.used, out.used);
  return errnoOfAnswer(answer);
}
