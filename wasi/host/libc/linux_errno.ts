import { errnoOf } from "../../errno.ts";

/** Linux's error numbers that can reach a guest, by number (`asm-generic/errno*.h`). */
const LINUX: Readonly<Record<number, string>> = {
  1: "perm",
  2: "noent",
  3: "srch",
  4: "intr",
  5: "io",
  6: "nxio",
  7: "2big",
  9: "badf",
  11: "again",
  12: "nomem",
  13: "acces",
  14: "fault",
  16: "busy",
  17: "exist",
  18: "xdev",
  19: "nodev",
  20: "notdir",
  21: "isdir",
  22: "inval",
  23: "nfile",
  24: "mfile",
  25: "notty",
  26: "txtbsy",
  27: "fbig",
  28: "nospc",
  29: "spipe",
  30: "rofs",
  31: "mlink",
  32: "pipe",
  34: "range",
  36: "nametoolong",
  37: "nolck",
  38: "nosys",
  39: "notempty",
  40: "loop",
  61: "noent",
  75: "overflow",
  84: "ilseq",
  95: "notsup",
  104: "connreset",
  110: "timedout",
  116: "stale",
  122: "dquot",
};

const TABLE = Array.from({ length: 134 }, (_, number) => errnoOf(LINUX[number] ?? "io"));

/** Translates a Linux error number into WASI's; `io` for one that has no counterpart. */
export function fromLinux(errno: number): number {
  return TABLE[errno] ?? errnoOf("io");
}
