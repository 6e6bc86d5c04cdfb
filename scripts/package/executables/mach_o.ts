import { type Executable, textAt } from "./file.ts";

/** Numbers of Apple's `mach/machine.h` and `mach-o/loader.h`. */
const MACHINES: Readonly<Record<number, Executable["arch"]>> = {
  0x01000007: "amd64",
  0x0100000c: "arm64",
};
const COMMAND = { oldestMacOs: 0x24, build: 0x32 } as const;
/** Libraries: wanted, wanted if they are there, and passed on. */
const LIBRARY_COMMANDS = [0xc, 0x80000018, 0x8000001f];
const HEADER_BYTES = 32;
/** A command has a number and a size at least, or there would be no end of them. */
const COMMAND_BYTES_MIN = 8;

/** Reads a macOS program (Mach-O, 64 bits, for one processor); `needs` is the oldest macOS. */
export function readMachO(view: DataView): Executable {
  const arch = MACHINES[view.getUint32(4, true)];
  if (arch === undefined) {
    throw new Error("Cannot read Mach-O program: it is not for amd64 or arm64");
  }
  const libraries: string[] = [];
  let needs: string | undefined;
  let at = HEADER_BYTES;
  for (let left = view.getUint32(16, true); left > 0; left--) {
    const [command, size] = [view.getUint32(at, true), view.getUint32(at + 4, true)];
    if (size < COMMAND_BYTES_MIN) throw new RangeError(`Command at ${at} has no size`);
    if (LIBRARY_COMMANDS.includes(command)) {
      libraries.push(textAt(view, at + view.getUint32(at + 8, true)));
    } else if (command === COMMAND.build) needs = macOs(view.getUint32(at + 12, true));
    else if (command === COMMAND.oldestMacOs) needs = macOs(view.getUint32(at + 8, true));
    at += size;
  }
  return { os: "darwin", arch, libraries, ...(needs === undefined ? {} : { needs }) };
}

/** `xxxx.yy.zz` in the nibbles of a number. */
function macOs(version: number): string {
  return `macOS ${version >>> 16}.${version >>> 8 & 0xff}.${version & 0xff}`;
}
