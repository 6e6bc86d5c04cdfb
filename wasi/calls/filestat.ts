import type { FileStat } from "../host/file_stat.ts";
import type { GuestState } from "./state.ts";

/** Writes a `filestat` in the layout of the guest's generation. */
export function writeFilestat(
  { memory, layout }: GuestState,
  { at, stat: { fields } }: { at: number; stat: FileStat },
): void {
  const { filestat } = layout;
  if (filestat.nlinkBytes === 8) {
    memory.setU64s(at, fields);
    return;
  }
  const start = memory.check(at, filestat.size + 32);
  memory.setU64(start, fields[0]!);
  memory.setU64(start + 8, fields[1]!);
  // The older layout has no room for a mode.
  memory.setU32(start + 16, Number(fields[2]! & 0xffn));
  memory.setU32(start + filestat.nlink, Number(fields[3]));
  for (let index = 4; index < fields.length; index++) {
    memory.setU64(start + filestat.size + (index - 4) * 8, fields[index]!);
  }
}
