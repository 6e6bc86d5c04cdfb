import type { FileStat } from "../host/host.ts";
import type { GuestState } from "./state.ts";

/** A `filestat` that nothing is known of yet. */
export function emptyStat(): FileStat {
  return {
    dev: 0n,
    ino: 0n,
    filetype: 0,
    nlink: 0n,
    size: 0n,
    atimNs: 0n,
    mtimNs: 0n,
    ctimNs: 0n,
  };
}

/** Writes a `filestat` in the layout of the guest's generation. */
export function writeFilestat(
  { memory, layout }: GuestState,
  { at, stat }: { at: number; stat: FileStat },
): void {
  const { filestat } = layout;
  const start = at >>> 0;
  memory.bytes(start, filestat.size + 32).fill(0);
  memory.setU64(start, stat.dev);
  memory.setU64(start + 8, stat.ino);
  memory.setU8(start + 16, stat.filetype);
  if (filestat.nlinkBytes === 8) memory.setU64(start + filestat.nlink, stat.nlink);
  else memory.setU32(start + filestat.nlink, Number(stat.nlink));
  memory.setU64(start + filestat.size, stat.size);
  memory.setU64(start + filestat.size + 8, stat.atimNs);
  memory.setU64(start + filestat.size + 16, stat.mtimNs);
  memory.setU64(start + filestat.size + 24, stat.ctimNs);
}
